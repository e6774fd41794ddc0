/** What every plugin of Pulumi's engine does: it serves gRPC on a loopback port, prints the port, and ends with the engine. */
import * as grpc from "@grpc/grpc-js";

type Handler<Request, Response> = (
  call: grpc.ServerUnaryCall<Request, unknown>,
  reply: grpc.sendUnaryData<Response>,
) => void;

/** Returns a gRPC handler for a function. Of an error, only the message is sent. */
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

/** Serves a service of Pulumi's protocol on a free loopback port, and prints the port for the engine. */
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

/** Ends this process when its parent process has ended; `before` ends the processes that this one started. */
export function endWithParent(before: () => void = () => undefined): void {
  const parent = process.ppid;
  setInterval(() => {
    // The parent may have ended before this line was reached.
    if (process.ppid === parent && parent !== 1) return;
    before();
    process.exit(0);
  }, 2000).unref();
}
