// The process of the ceiling: crude input and output on a TUN device.
import { IpAddress } from '../../../src/wire/address.js';
import { answerParent } from '../remote.js';
import { CrudeTcp } from './crude-tcp.js';
import { type DeviceOptions, openDevice } from './device.js';
import { PORT } from './plan.js';
import type { Usage } from './subject.js';

let tcp: CrudeTcp | null = null;

async function open({ device }: { device: DeviceOptions }): Promise<string> {
  const { link, address, features } = await openDevice(device, false);
  tcp = new CrudeTcp(link, IpAddress.parse(address.split('/')[0]!)!, PORT.source);
  link.start(tcp);
  return features;
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { bytesIn, bytesOut } = tcp!;
  return { bytesIn, bytesOut, accepted: 0, userSeconds: user / 1e6, systemSeconds: system / 1e6 };
}

answerParent({ open, usage }, async () => {});
