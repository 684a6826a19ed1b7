// Vercel's AI SDK as it comes: the provider for OpenAI with Responses.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const question = "Which seal kit fits the Zephyr-9, and how often is it serviced?";
const model = createOpenAI({ baseURL: process.env.BASE_URL })(process.env.MODEL);
const whole = await generateText({ model, prompt: question });
const found = { answer: whole.text, total_tokens: whole.usage.totalTokens };
found.files = whole.sources.map((source) => source.filename ?? source.title);
const streamed = streamText({ model, prompt: question });
found.streamed = "";
for await (const part of streamed.textStream) found.streamed += part;
found.streamed_files = (await streamed.sources).map((source) => source.filename ?? source.title);
const schema = z.object({ kit: z.string(), hours: z.number().int() });
found.value = (await generateText({ model, prompt: question, output: Output.object({ schema }) })).output;
found.calls = [];
const get_weather = tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => {
    found.calls.push(["get_weather", { city }]);
    return `${city}: 7 degrees, snow.`;
  },
});
const stopWhen = (stepCountIs ?? isStepCount)(3);
const weather = { model, prompt: "What is the weather in Bern?", tools: { get_weather }, stopWhen };
found.with_tool = (await generateText(weather)).text;
const messages = [{ role: "user", content: question }, ...whole.response.messages, { role: "user", content: question }];
found.next_turn = (await generateText({ model, messages })).text;
found.delegated = (await generateText({ model, prompt: "What is the yearly tax on pumps?" })).text;
console.log(JSON.stringify(found));
