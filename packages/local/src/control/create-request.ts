import type { z } from 'zod';
import { ApiError } from '../sandbox/api-error.js';
import type { Lifecycle, NetworkSettings, SandboxSettings } from '../sandbox/settings.js';
import type { Template } from '../sandbox/template-store.js';
import type { createBody } from './schemas.js';

/** The settings a create request asks for. */
export function settingsOf(body: z.output<typeof createBody>, template: Template): SandboxSettings {
  return {
    templateId: template.publicId ?? template.id,
    alias: template.names[0],
    metadata: body.metadata ?? {},
    envs: { ...template.envs, ...body.envVars },
    lifecycle: lifecycleOf(body),
    allowInternetAccess: body.allow_internet_access ?? undefined,
    network: (body.network ?? undefined) as NetworkSettings | undefined,
    volumeMounts: body.volumeMounts ?? [],
    start: template.start,
    defaults: template.defaults,
  };
}

function lifecycleOf(body: z.output<typeof createBody>): Lifecycle {
  const autoResume = body.autoResume?.enabled ?? false;
  const keepMemory = body.autoPauseMemory ?? true;
  if (!body.autoPause) {
    return { onTimeout: { kind: 'kill' }, autoResume };
  }
  if (autoResume && !keepMemory) {
    throw new ApiError(
      400,
      'autoResume needs memory to be kept on pause. Leave autoPauseMemory out or set it to true.',
    );
  }
  return { onTimeout: { kind: 'pause', keepMemory }, autoResume };
}
