// The MCP inspector's command.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const url = `${process.env.BASE_URL.replace(/\/v1$/, "")}/mcp?gpts=${process.env.MODEL}`;
const inspect = async (...more) => {
  const header = `Authorization: Bearer ${process.env.OPENAI_API_KEY}`;
  const words = ["--cli", url, "--transport", "http", "--header", header, ...more];
  return JSON.parse((await run(`${import.meta.dirname}/node_modules/.bin/mcp-inspector`, words)).stdout);
};
const { tools } = await inspect("--method", "tools/list", "--strict");
const ask = async (question) => {
  const answer = await inspect("--method", "tools/call", "--tool-name", tools[0].name, "--tool-arg", `question=${question}`);
  return answer.content[0].text;
};
const found = {
  in_text: await ask("Which seal kit fits the Zephyr-9, and how often is it serviced?"),
  delegated: await ask("What is the yearly tax on pumps?"),
};
console.log(JSON.stringify(found));
