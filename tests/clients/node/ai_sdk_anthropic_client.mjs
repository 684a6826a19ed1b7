// Vercel's AI SDK with the provider for Anthropic's Messages.
import { createAnthropic } from "@ai-sdk/anthropic";
import { APICallError, generateText, isStepCount, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const question = "Which seal kit fits the Zephyr-9, and how often is it serviced?";
const provider = createAnthropic({ baseURL: process.env.BASE_URL, apiKey: process.env.OPENAI_API_KEY });
const model = provider(process.env.MODEL);
const whole = await generateText({ model, prompt: question });
const found = { answer: whole.text, total_tokens: whole.usage.totalTokens };
const streamed = streamText({ model, prompt: question });
found.streamed = "";
for await (const part of streamed.textStream) found.streamed += part;
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
const unknown = generateText({ model: provider("no-such-gpt"), prompt: question, maxRetries: 0 });
found.error = await unknown.catch((error) => (APICallError.isInstance(error) ? `APICallError ${error.statusCode}` : String(error)));
console.log(JSON.stringify(found));
