// What is on the stack is no descriptor that another process or thread could take: sending it is refused, where Node would
// send nothing and say nothing.
import { ChildProcess } from 'node:child_process';
import * as net from 'node:net';

type Send = (this: unknown, message: unknown, handle?: unknown, ...rest: unknown[]) => boolean;
type Sender = { send?: Send };
type Transfer = (this: unknown) => unknown;

/**
 * From now on sockets and servers on the stack cannot be sent.
 * @param isOnStack tells them from those of the kernel
 */
export function refuseSending(isOnStack: (socketOrServer: object) => boolean): void {
  const check = (value: unknown) => {
    if (typeof value === 'object' && value !== null && isOnStack(value)) throw unsendable();
  };
  guardSend(process as Sender, check);
  const prototype = ChildProcess.prototype as unknown as { spawn(this: Sender, ...args: unknown[]): unknown };
  const { spawn } = prototype;
  prototype.spawn = function (...args) {
    const result = spawn.apply(this, args);
    guardSend(this, check);
    return result;
  };
  for (const { prototype: kind } of [net.Socket, net.Server]) guardTransfer(kind, check);
}

/** Processes with a channel have it as a property of their own. */
function guardSend(sender: Sender, check: (value: unknown) => void): void {
  const { send } = sender;
  if (send === undefined) return;
  sender.send = function (message, handle, ...rest) {
    check(handle);
    return send.call(this, message, handle, ...rest);
  };
}

/** Since Node 24 sockets and servers can be given to other threads. */
function guardTransfer(prototype: object, check: (value: unknown) => void): void {
  const name = 'messaging_transfer_list_symbol';
  const key = Object.getOwnPropertySymbols(prototype).find(({ description }) => description === name);
  if (key === undefined) return;
  const methods = prototype as Record<symbol, Transfer>;
  const list = methods[key]!;
  methods[key] = function () {
    check(this);
    return list.call(this);
  };
}

function unsendable(): Error {
  const message =
    'a socket of a userspace stack has no descriptor that another process or thread could take; ' +
    'use it where it is, or leave it to the kernel by SYNWAVE_BYPASS';
  return Object.assign(new Error(message), { code: 'ERR_SYNWAVE_UNSENDABLE' });
}
