// Vercel's AI SDK with the provider for OpenAI, in its chat completions.
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateText, isStepCount, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const question = "Which seal kit fits the Zephyr-9, and how often is it serviced?";
const provider = createOpenAI({ baseURL: process.env.BASE_URL });
const model = provider.chat(process.env.MODEL);
const whole = await generateText({ model, prompt: question });
const found = { answer: whole.text, total_tokens: whole.usage.totalTokens };
found.urls = whole.sources.map((source) => source.url);
const streamed = streamText({ model, prompt: question });
found.streamed = "";
for await (const part of streamed.textStream) found.streamed += part;
found.streamed_urls = (await streamed.sources).map((source) => source.url);
const leaving = new AbortController();
const slow = streamText({ model, prompt: `${question} Answer slowly.`, abortSignal: leaving.signal });
for await (const part of slow.fullStream) if (part.type === "text-delta") break;
leaving.abort();
found.left = true;
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
found.with_tool = (await generateText({ model, prompt: "What is the weather in Bern?", tools: { get_weather }, stopWhen })).text;
found.delegated = (await generateText({ model, prompt: "What is the yearly tax on pumps?" })).text;
const unknown = generateText({ model: provider.chat("no-such-gpt"), prompt: question });
found.error = await unknown.catch((error) => (APICallError.isInstance(error) ? `APICallError ${error.statusCode}` : String(error)));
console.log(JSON.stringify(found));
