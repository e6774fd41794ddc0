/** The mocked host: a provider of all resource types that does nothing. Its outputs are those of the mocked graph. */
import { mockedOutputs } from "../../commands/graph/mocked-program";
import { inputChange, serve } from "../standins/pulumi/serve";

serve({
  version: "1.0.0",
  parameterize: () => undefined,
  diff: (_token, _state, olds, news) => inputChange(olds, news, ["keepers"]),
  // A command's output is unknown until it has run, also when it runs again.
  computed: (token) => ({ create: Object.keys(mockedOutputs(token, "")), update: ["stdout"] }),
  secrets: () => [],
  create: ({ token, name }, inputs) =>
    Promise.resolve({ id: name, outputs: { ...inputs, ...mockedOutputs(token, name) } }),
  update: ({ token, name }, _id, _state, inputs) =>
    Promise.resolve({ ...inputs, ...mockedOutputs(token, name) }),
  delete: () => Promise.resolve(),
});
