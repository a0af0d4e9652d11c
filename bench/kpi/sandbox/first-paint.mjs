// Runs inside the sandbox: lets the browser paint once, so that the claimant's first screenshot is not its first frame.
const pages = await (await fetch('http://127.0.0.1:9222/json/list')).json();
const socket = new WebSocket(pages[0].webSocketDebuggerUrl);
await new Promise((resolve, reject) => {
  socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: 'Page.captureScreenshot' }));
  socket.onmessage = resolve;
  socket.onerror = reject;
});
process.exit(0);
