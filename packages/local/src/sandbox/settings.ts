/** What happens when a sandbox's time is over. */
export type TimeoutAction = { kind: 'kill' } | { kind: 'pause'; keepMemory: boolean };

export interface Lifecycle {
  onTimeout: TimeoutAction;
  /** A request to a paused sandbox wakes it. */
  autoResume: boolean;
}

export interface EgressProxySettings {
  address: string;
  username?: string | undefined;
  password?: string | undefined;
}

/** Kept as given, also where this host cannot enforce it; `getInfo` gives it back. */
export interface NetworkSettings {
  allowOut?: string[] | undefined;
  denyOut?: string[] | undefined;
  rules?: Record<string, unknown> | undefined;
  egressProxy?: EgressProxySettings | undefined;
  allowPublicTraffic?: boolean | undefined;
  maskRequestHost?: string | undefined;
  httpsPorts?: unknown;
}

export interface VolumeMount {
  name: string;
  path: string;
}

/** What a template starts in every sandbox that is made from it, and how it is known to be ready. */
export interface StartCommand {
  command: string | undefined;
  readyCommand: string | undefined;
  user: string;
  cwd: string;
  envs: Readonly<Record<string, string>>;
}

/** All that a create request can say about a sandbox. */
export interface SandboxSettings {
  templateId: string;
  alias: string | undefined;
  metadata: Readonly<Record<string, string>>;
  envs: Readonly<Record<string, string>>;
  lifecycle: Lifecycle;
  allowInternetAccess: boolean | undefined;
  network: NetworkSettings | undefined;
  volumeMounts: readonly VolumeMount[];
  /** The template's program, started again wherever the sandbox begins without its memory. */
  start?: StartCommand | undefined;
  /** Who and where commands are that do not say it themselves. */
  defaults?: CommandDefaults | undefined;
}

export interface CommandDefaults {
  user: string;
  workdir: string;
}
