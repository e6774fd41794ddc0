/** The bench's host: a provider of everything that does nothing at all, at once. What it makes up is the mocked graph's. */
import { mockedOutputs } from "../../commands/graph/mocked-program";
import { inputChange, serve } from "../standins/pulumi/serve";

serve({
  version: "1.0.0",
  parameterize: () => undefined,
  diff: (_token, _state, olds, news) => inputChange(olds, news, ["keepers"]),
  // What a command prints is unknown until it has run, again too.
  computed: (token) => ({ create: Object.keys(mockedOutputs(token, "")), update: ["stdout"] }),
  secrets: () => [],
  create: ({ token, name }, inputs) =>
    Promise.resolve({ id: name, outputs: { ...inputs, ...mockedOutputs(token, name) } }),
  update: ({ token, name }, _id, _state, inputs) =>
    Promise.resolve({ ...inputs, ...mockedOutputs(token, name) }),
  delete: () => Promise.resolve(),
});
