// The coding agent pi, without its screen, in the API named: it reads a file with a tool of its own.
import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

const [api] = process.argv.slice(2);
const folder = mkdtempSync("/tmp/pi-");
const baseUrl = api === "anthropic-messages" ? process.env.BASE_URL.replace(/\/v1$/, "") : process.env.BASE_URL;
const models = [{ id: process.env.MODEL }];
const provider = { baseUrl, api, apiKey: process.env.OPENAI_API_KEY, models };
writeFileSync(`${folder}/models.json`, JSON.stringify({ providers: { guildhall: provider } }));
writeFileSync(`${folder}/notes.txt`, "Bern: 7 degrees, snow.");
const ask = async (question) => {
  const words = ["--print", "--no-session", "--provider", "guildhall", "--model", process.env.MODEL, question];
  const options = { cwd: folder, env: { ...process.env, PI_CODING_AGENT_DIR: folder } };
  const running = promisify(execFile)(`${import.meta.dirname}/node_modules/.bin/pi`, words, options);
  running.child.stdin.end();
  return (await running).stdout.trim();
};
const found = {
  answer: await ask("Which seal kit fits the Zephyr-9, and how often is it serviced?"),
  with_tool: await ask("Read notes.txt"),
};
console.log(JSON.stringify(found));
