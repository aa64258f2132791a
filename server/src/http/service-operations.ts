import { Type } from 'typebox'
import { errors } from './errors.ts'
import { NO_STORE, type Operation } from './operation.ts'

const service = { tag: 'Service', scope: null } as const

export const rootOperation: Operation = {
  ...service,
  operationId: 'getService',
  summary: 'Show what answers here',
  description: 'The name and version of the service, and where to go on.',
  ok: {
    description: 'The service and its links',
    mediaType: 'application/json',
    schema: Type.Object(
      {
        name: Type.String(),
        version: Type.String(),
        links: Type.Record(Type.String(), Type.String(), { description: 'Absolute addresses by name' }),
      },
      { $id: 'Service', additionalProperties: false },
    ),
    example: { name: 'Dynamo', version: '0.1.0', links: { docs: 'https://dynamo.example.com/docs' } },
  },
}

export const liveOperation: Operation = {
  ...service,
  operationId: 'getLiveness',
  summary: 'Tell whether the process is up',
  description: 'For the supervisor that restarts what does not answer. It does not look at the store.',
  headers: NO_STORE,
  ok: {
    description: 'The process is up',
    mediaType: 'application/json',
    schema: Type.Object({ status: Type.Literal('up') }, { additionalProperties: false }),
    example: { status: 'up' },
  },
}

export const readyOperation: Operation = {
  ...service,
  operationId: 'getReadiness',
  summary: 'Tell whether requests can be answered',
  description:
    'For the balancer. 503 while the server is starting, while the store does not answer within 2 s, and while the server is stopping.',
  headers: NO_STORE,
  ok: {
    description: 'Requests can be answered',
    mediaType: 'application/json',
    schema: Type.Object({ status: Type.Literal('ready') }, { additionalProperties: false }),
    example: { status: 'ready' },
  },
  failures: ['The server is starting', 'The store does not answer', 'The server is stopping'].map((sentence) =>
    errors.notReady(sentence),
  ),
}

export const metricsOperation: Operation = {
  ...service,
  operationId: 'getMetrics',
  summary: 'Read the metrics',
  description:
    'In the text format of Prometheus, without organizations and keys. Open to the machine itself; to others, and to whatever a proxy forwards, with `Authorization: Bearer METRICS_TOKEN`.',
  ok: {
    description: 'The metrics',
    mediaType: 'text/plain',
    schema: Type.String(),
    example: '# HELP dynamo_request_seconds Time from a request to its answer\n',
    headers: NO_STORE,
  },
  failures: [errors.metricsForbidden()],
  meanings: { 403: 'The request comes from another machine, or by a proxy, and has not the token' },
}
