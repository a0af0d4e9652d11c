/** What the whole test run shares; each part cleans up after itself. */
export default function setup(): void {
  process.env.PILOTLIGHT_TEST = '1';
}
