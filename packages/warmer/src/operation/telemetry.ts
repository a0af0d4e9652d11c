import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/** Stops exporting; what is pending is sent. */
export type StopTelemetry = () => Promise<void>;

/** Exports traces when there is somewhere to export to; else every span costs nothing. */
export async function startTelemetry(otlpUrl: string | undefined, version: string): Promise<StopTelemetry> {
  if (otlpUrl === undefined) return async () => {};
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'pilotlight', 'service.version': version }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: otlpUrl }))],
  });
  provider.register();
  return () => provider.shutdown();
}

/** Runs work in a span that goes on the trace of the request's `traceparent`, if it has one. */
export async function traced<Value>(
  name: string,
  headers: Readonly<Record<string, unknown>>,
  attributes: Record<string, string>,
  work: (span: Span) => Promise<Value>,
): Promise<Value> {
  const parent = propagation.extract(context.active(), headers);
  const tracer = trace.getTracer('pilotlight');
  return tracer.startActiveSpan(name, { kind: SpanKind.SERVER, attributes }, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      // The message may name what only the log may hold: the span tells that it failed, and how.
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The trace under way as headers of a request to the provider; none when there is no trace. */
export function traceHeaders(): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** The trace under way as environment of a command in a sandbox. */
export function traceEnvironment(): Record<string, string> {
  const { traceparent, tracestate } = traceHeaders();
  return {
    ...(traceparent === undefined ? {} : { TRACEPARENT: traceparent }),
    ...(tracestate === undefined || tracestate === '' ? {} : { TRACESTATE: tracestate }),
  };
}

/** A call to the provider, as a child of whatever is under way. */
export async function tracedCall<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
  return trace.getTracer('pilotlight').startActiveSpan(name, { kind: SpanKind.CLIENT }, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
