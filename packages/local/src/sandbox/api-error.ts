/** An answer of the control plane or the data plane that says no, in E2B's form. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, options: { errorCode?: string; headers?: Record<string, string> } = {}) {
    super(message);
    this.status = status;
    this.errorCode = options.errorCode;
    this.headers = options.headers ?? {};
  }

  /** The SDKs look at `code` more often than at the HTTP status, so it is never left out. */
  toBody(): { code: number; message: string; error_code?: string } {
    return { code: this.status, message: this.message, ...(this.errorCode ? { error_code: this.errorCode } : {}) };
  }
}

export function sandboxNotFound(id: string): ApiError {
  return new ApiError(
    404,
    `Sandbox "${id}" does not exist or was killed. List the running ones with GET /v2/sandboxes.`,
  );
}

export function startError(error: Error): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError(500, `The sandbox could not be started: ${error.message}`, { errorCode: 'sandbox_create_failed' });
}
