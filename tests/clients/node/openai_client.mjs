// The official client for Node.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const model = process.env.MODEL;
const question = "Which seal kit fits the Zephyr-9, and how often is it serviced?";
const client = new OpenAI({ baseURL: process.env.BASE_URL });
const said = (text) => [{ role: "user", content: text }];
const ask = (text, options = {}) => client.chat.completions.create({ model, messages: said(text), ...options });
const whole = await ask(question);
const found = { answer: whole.choices[0].message.content, total_tokens: whole.usage.total_tokens };
found.urls = whole.choices[0].message.annotations.map((note) => note.url_citation.url);
const stream = client.chat.completions.stream({ model, messages: said(question) });
found.streamed = (await stream.finalChatCompletion()).choices[0].message.content;
const slow = await ask(`${question} Answer slowly.`, { stream: true });
for await (const _ of slow) break;
found.left = true;
const Service = z.object({ kit: z.string(), hours: z.number().int() });
const parsed = await client.chat.completions.parse({
  model,
  messages: said(question),
  response_format: zodResponseFormat(Service, "service"),
});
found.value = parsed.choices[0].message.parsed;
found.calls = [];
const get_weather = ({ city }) => {
  found.calls.push(["get_weather", { city }]);
  return `${city}: 7 degrees, snow.`;
};
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tool = { name: "get_weather", description: "The weather in a city.", parameters, parse: JSON.parse, function: get_weather };
const runner = client.chat.completions.runTools({
  model,
  messages: said("What is the weather in Bern?"),
  tools: [{ type: "function", function: tool }],
});
found.with_tool = await runner.finalContent();
found.delegated = (await ask("What is the yearly tax on pumps?")).choices[0].message.content;
const unknown = client.chat.completions.create({ model: "no-such-gpt", messages: said(question) });
found.error = await unknown.then(() => "none", (error) => error.constructor.name);
console.log(JSON.stringify(found));
