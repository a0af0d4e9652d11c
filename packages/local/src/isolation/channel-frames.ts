/** Kinds of frames between host and agent; `assets/agent.pl` holds the same numbers. */
export const Frame = {
  spawn: 1,
  data: 2,
  finish: 3,
  credit: 4,
  signal: 5,
  resize: 6,
  connect: 7,
  close: 8,
  freeze: 9,
  thaw: 10,
  usage: 11,
  hold: 12,
  release: 13,
  ready: 65,
  started: 66,
  failed: 67,
  output: 68,
  error: 69,
  exit: 70,
  drained: 71,
  opened: 72,
  ended: 73,
  accepted: 74,
  answer: 75,
} as const;

/** One stream of the channel, told of every frame that names it. */
export interface ChannelStream {
  receive(kind: number, payload: Buffer): void;
  lose(): void;
}

/** Sends frames of one stream. */
export type SendFrame = (kind: number, payload: Uint8Array) => void;

/** Bytes that may be on their way in one direction of a stream; the agent holds the same figure. */
export const windowBytes = 131_072;
const creditStepBytes = windowBytes / 4;

/** Counts bytes that were consumed and tells the sender in large steps, so that credit costs few frames. */
export class CreditLine {
  private owedBytes = 0;
  private readonly send: SendFrame;

  constructor(send: SendFrame) {
    this.send = send;
  }

  release(bytes: number): void {
    this.owedBytes += bytes;
    if (this.owedBytes < creditStepBytes) {
      return;
    }
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32BE(this.owedBytes);
    this.owedBytes = 0;
    this.send(Frame.credit, payload);
  }
}
