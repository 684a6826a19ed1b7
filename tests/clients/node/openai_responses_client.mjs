// The official client for Node with Responses.
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const model = process.env.MODEL;
const question = "Which seal kit fits the Zephyr-9, and how often is it serviced?";
const client = new OpenAI({ baseURL: process.env.BASE_URL });
const whole = await client.responses.create({ model, input: question });
const found = { answer: whole.output_text, total_tokens: whole.usage.total_tokens };
found.kinds = whole.output.map((item) => item.type);
found.files = whole.output.at(-1).content[0].annotations.map((note) => note.filename);
const stream = client.responses.stream({ model, input: question });
found.streamed = (await stream.finalResponse()).output_text;
const Service = z.object({ kit: z.string(), hours: z.number().int() });
const parsed = await client.responses.parse({ model, input: question, text: { format: zodTextFormat(Service, "service") } });
found.value = parsed.output_parsed;
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", name: "get_weather", description: "The weather in a city.", parameters, strict: false }];
const input = [{ role: "user", content: "What is the weather in Bern?" }];
const asked = await client.responses.create({ model, input, tools });
const [call] = asked.output.filter((item) => item.type === "function_call");
found.calls = [[call.name, JSON.parse(call.arguments)]];
const output = { type: "function_call_output", call_id: call.call_id, output: "Bern: 7 degrees, snow." };
found.with_tool = (await client.responses.create({ model, input: [...input, ...asked.output, output], tools })).output_text;
found.delegated = (await client.responses.create({ model, input: "What is the yearly tax on pumps?" })).output_text;
console.log(JSON.stringify(found));
