import { choice, integer, intOrString, list, object, string } from './schema/builders.ts'

/**
 * A probe, as in a container. It has no host: the kubelet would send requests from the node’s network
 * to any address that a user names.
 */

const port = intOrString('A port by number or by name; http is the one that is served.', {
  minimum: 1,
  maximum: 65535,
  maxLength: 15,
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
})

const seconds = (what: string, minimum = 1) =>
  integer(what, { minimum, maximum: 86400, format: 'int32' })

export const probe = (what: string) =>
  object(
    what,
    {
      httpGet: object(
        'Succeeds with a status from 200 to 399.',
        {
          path: string('The path; default "/".', {
            minLength: 1,
            maxLength: 1024,
            pattern: '^/[^\\s]*$',
          }),
          port,
          scheme: choice('HTTP (the default) or HTTPS.', ['HTTP', 'HTTPS']),
          httpHeaders: list(
            'Headers of the request.',
            object(
              'A header.',
              {
                name: string('Its name.', {
                  minLength: 1,
                  maxLength: 128,
                  pattern: '^[-A-Za-z0-9]+$',
                }),
                value: string('Its value.', { minLength: 1, maxLength: 1024 }),
              },
              { required: ['name', 'value'] },
            ),
            { maxItems: 16 },
          ),
        },
        { required: ['port'] },
      ),
      tcpSocket: object('Succeeds if the port is open.', { port }, { required: ['port'] }),
      grpc: object(
        'Succeeds if the gRPC health service says so.',
        {
          port: integer('The port.', { minimum: 1, maximum: 65535, format: 'int32' }),
          service: string('The service to ask about.', { maxLength: 253 }),
        },
        { required: ['port'] },
      ),
      exec: object(
        'Succeeds if a command in the container exits with 0.',
        {
          command: list('The command.', string('A word.', { maxLength: 4096 }), {
            minItems: 1,
            maxItems: 64,
          }),
        },
        { required: ['command'] },
      ),
      initialDelaySeconds: seconds('How long to wait before the first probe.', 0),
      periodSeconds: seconds('How often; default 10.'),
      timeoutSeconds: seconds('How long an answer may take; default 1.'),
      failureThreshold: integer('How many consecutive failures count as failed; default 3.', {
        minimum: 1,
        maximum: 86400,
        format: 'int32',
      }),
    },
    {
      'x-kubernetes-validations': [
        {
          rule: '[has(self.httpGet), has(self.tcpSocket), has(self.grpc), has(self.exec)].filter(given, given).size() == 1',
          message: 'needs exactly one of httpGet, tcpSocket, grpc and exec',
        },
      ],
    },
  )
