/** Calls `stop` once: when it is asked to, and when whoever started this process is gone, however it ended. */
export function endWithParent(stop: () => void): void {
  let isStopping = false;
  const stopOnce = () => {
    if (!isStopping) {
      isStopping = true;
      stop();
    }
  };
  process.once('SIGTERM', stopOnce);
  process.once('SIGINT', stopOnce);
  process.stdin.once('close', stopOnce);
  process.stdin.resume();
}
