import { z } from 'zod';

// The page's security policy forbids building code from text, which zod would try for speed.
z.config({ jitless: true });
