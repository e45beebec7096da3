// Which destinations stay with the kernel although the process is on a stack.
import { BlockList, isIP, isIPv6 } from 'node:net';

/** A list of names, addresses, networks and ports that are left to the kernel. */
export class Bypass {
  private readonly addresses = new BlockList();
  private readonly names = new Set<string>();
  private readonly suffixes: string[] = [];
  private readonly ports = new Set<number>();

  /**
   * @param text entries separated by commas: `localhost`, `*.example.com`, `10.0.0.1`, `fd00::/8`, `:5432` (a port)
   * @throws Error with code ERR_SYNWAVE_BYPASS for an entry that is none of these
   */
  constructor(text = '') {
    for (const entry of text.split(',').map((each) => each.trim().toLowerCase())) {
      if (entry !== '') this.add(entry);
    }
  }

  private add(entry: string): void {
    const port = /^:(\d{1,5})$/.exec(entry);
    const [address, bits, ...rest] = entry.split('/');
    if (port !== null) this.ports.add(Number(port[1]));
    else if (isIP(address!) !== 0 && rest.length === 0) this.addAddress(entry, address!, bits);
    else if (/^\*\.[\w.-]+$/.test(entry)) this.suffixes.push(entry.slice(1));
    else if (/^[\w.-]+$/.test(entry)) this.names.add(entry);
    else throw badEntry(entry);
  }

  private addAddress(entry: string, address: string, bits: string | undefined): void {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const width = family === 'ipv6' ? 128 : 32;
    const length = bits === undefined ? width : Number(bits);
    if (!/^\d{1,3}$/.test(bits ?? '0') || length > width) throw badEntry(entry);
    this.addresses.addSubnet(address, length, family);
  }

  /**
   * @param address null before the lookup of a name
   * @param name what the address is looked up for, if anything is
   */
  has(address: string | null, port: number, name: string | null): boolean {
    if (this.ports.has(port)) return true;
    if (address !== null && this.addresses.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return true;
    const host = name?.toLowerCase();
    return host !== undefined && (this.names.has(host) || this.suffixes.some((end) => host.endsWith(end)));
  }
}

function badEntry(entry: string): Error {
  const message =
    `"${entry}" is no entry of a bypass list; write names, addresses, networks or ports, ` +
    'as in localhost,*.example.com,10.0.0.0/8,:5432';
  return Object.assign(new Error(message), { code: 'ERR_SYNWAVE_BYPASS' });
}
