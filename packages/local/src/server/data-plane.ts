import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { tokensEqual } from '../envd/signature.js';
import { ApiError } from '../sandbox/api-error.js';
import type { SandboxRegistry } from '../sandbox/registry.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import { sendError, sendJson } from './respond.js';

/** What answers requests to one port of every sandbox. The sandbox is running when a method is called. */
export interface DataPlaneService {
  handle(sandbox: Sandbox, request: IncomingMessage, response: ServerResponse, port: number): Promise<void> | void;
  upgrade?(sandbox: Sandbox, request: IncomingMessage, socket: Duplex, head: Buffer, port: number): Promise<void>;
}

/** Requests to sandboxes: finds the sandbox, wakes it if it may be woken, and hands over to the port's service. */
export class DataPlane {
  private readonly services = new Map<number, DataPlaneService>();
  private readonly registry: SandboxRegistry;
  private readonly otherPorts: DataPlaneService;

  constructor(registry: SandboxRegistry, otherPorts: DataPlaneService) {
    this.registry = registry;
    this.otherPorts = otherPorts;
  }

  /** A port that is not served by a program inside the sandbox but by the host on its behalf. */
  serve(port: number, service: DataPlaneService): void {
    this.services.set(port, service);
  }

  async handle(id: string, port: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    try {
      const sandbox = await this.reach(id);
      if (!sandbox) {
        sendJson(response, 502, { sandboxId: id, message: 'The sandbox was not found', code: 502 });
        return;
      }
      this.checkTraffic(sandbox, port, request);
      sandbox.connections.add(socket);
      response.once('close', () => sandbox.connections.delete(socket));
      await (this.services.get(port) ?? this.otherPorts).handle(sandbox, request, response, port);
    } catch (error) {
      sendError(response, error);
    }
  }

  async upgrade(id: string, port: number, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const refuse = (status: string) =>
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.on('error', () => {});
    try {
      const sandbox = await this.reach(id);
      const service = this.services.get(port) ?? this.otherPorts;
      if (!sandbox || !service.upgrade) {
        refuse('502 Bad Gateway');
        return;
      }
      this.checkTraffic(sandbox, port, request);
      sandbox.connections.add(request.socket);
      socket.once('close', () => sandbox.connections.delete(request.socket));
      await service.upgrade(sandbox, request, socket, head, port);
    } catch (error) {
      refuse(error instanceof ApiError ? `${error.status} Refused` : '502 Bad Gateway');
    }
  }

  private async reach(id: string): Promise<Sandbox | undefined> {
    const sandbox = await this.registry.reach(id);
    return sandbox?.phase.kind === 'running' ? sandbox : undefined;
  }

  /** A sandbox without public traffic shows its own servers only to those who know its traffic token. */
  private checkTraffic(sandbox: Sandbox, port: number, request: IncomingMessage): void {
    const expected = sandbox.trafficAccessToken;
    if (expected === undefined || this.services.has(port)) {
      return;
    }
    if (!tokensEqual(String(request.headers['e2b-traffic-access-token'] ?? ''), expected)) {
      throw new ApiError(403, 'This sandbox is private. Send its traffic token as "e2b-traffic-access-token".');
    }
  }
}
