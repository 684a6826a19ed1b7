// Anthropic's client for Node, with its runner of tools.
import Anthropic from "@anthropic-ai/sdk";
import { betaZodTool } from "@anthropic-ai/sdk/helpers/beta/zod";
import { z } from "zod";

const question = "Which seal kit fits the Zephyr-9, and how often is it serviced?";
const client = new Anthropic({ baseURL: process.env.BASE_URL.replace(/\/v1$/, ""), apiKey: process.env.OPENAI_API_KEY, maxRetries: 0 });
const same = { model: process.env.MODEL, max_tokens: 500 };
const asked = (content) => ({ ...same, messages: [{ role: "user", content }] });
const said = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
const whole = await client.messages.create(asked(question));
const found = { answer: said(whole), total_tokens: whole.usage.input_tokens + whole.usage.output_tokens };
found.urls = whole.content.flatMap((block) => block.citations ?? []).map((citation) => citation.source);
found.streamed = said(await client.messages.stream(asked(question)).finalMessage());
const slow = await client.messages.create({ ...asked(`${question} Answer slowly.`), stream: true });
for await (const event of slow) if (event.type === "content_block_delta") break;
found.left = true;
found.counted = (await client.messages.countTokens({ model: same.model, messages: asked(question).messages })).input_tokens > 0;
found.calls = [];
const get_weather = betaZodTool({
  name: "get_weather",
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  run: async ({ city }) => {
    found.calls.push(["get_weather", { city }]);
    return `${city}: 7 degrees, snow.`;
  },
});
found.with_tool = said(await client.beta.messages.toolRunner({ ...asked("What is the weather in Bern?"), tools: [get_weather] }));
found.delegated = said(await client.messages.create(asked("What is the yearly tax on pumps?")));
const unknown = client.messages.create({ ...asked(question), model: "no-such-gpt" });
found.error = await unknown.then(() => "none", (error) => error.constructor.name);
console.log(JSON.stringify(found));
