import type { Brain } from '../../test/support/openai-server.js';

/** What the model on this machine says when there is no key: it knows two requests, and what its instructions tell it. */
export const standIn: Brain = ({ system, user, toolResults }) => {
  const fact = /remember that (.+?)\.?$/i.exec(user)?.[1];
  if (fact) {
    if (toolResults.length > 0) return { text: 'I will keep that in mind.' };
    return { calls: [{ name: 'remember', arguments: { fact: `The user says: ${fact}` } }] };
  }
  if (!user.includes('marathon')) return { text: 'Ask me how long a marathon is.' };
  const distance = system.includes('metric units') ? '42.195 km' : '26.2 miles';
  if (toolResults.length > 0) return { text: `A marathon is ${distance} long; it is in marathon.txt.` };
  return { calls: [{ name: 'write_file', arguments: { path: 'marathon.txt', content: `${distance}\n` } }] };
};
