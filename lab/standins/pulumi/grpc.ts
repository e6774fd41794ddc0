/** What every plugin of the engine's does: serve gRPC on a loopback port, print the port, and end with the engine. */
import * as grpc from "@grpc/grpc-js";

type Handler<Request, Response> = (
  call: grpc.ServerUnaryCall<Request, unknown>,
  reply: grpc.sendUnaryData<Response>,
) => void;

/** A handler from what it gives; of an error only the message goes out. */
export function handler<Request, Response>(
  work: (request: Request) => Response | Promise<Response>,
): Handler<Request, Response> {
  return (call, reply) => {
    void (async () => work(call.request))().then(
      (value) => reply(null, value),
      (error: unknown) => {
        const details = error instanceof Error ? error.message : String(error);
        reply({ code: grpc.status.UNKNOWN, details });
      },
    );
  };
}

/** Serves a service of Pulumi's protocol on a loopback port of its own, which it prints for the engine. */
export function listen(definition: unknown, handlers: grpc.UntypedServiceImplementation): void {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  server.addService(definition as grpc.ServiceDefinition, handlers);
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(String(port));
  });
}

/** Ends this process when the one that started it is gone; `before` ends what it started itself. */
export function endWithParent(before: () => void = () => undefined): void {
  const parent = process.ppid;
  setInterval(() => {
    // It may have been gone before this line was reached.
    if (process.ppid === parent && parent !== 1) return;
    before();
    process.exit(0);
  }, 2000).unref();
}
