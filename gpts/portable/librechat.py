"""LibreChat's agents as its API and its database give them, and OpenAI's assistants, which are much the same."""

from typing import Any, Final

from gpts.portable.action_auth import authentication
from gpts.portable.found import Fields, Found, listed, object_of, objects_of, text_of, texts_of
from gpts.portable.open_webui import picture_of

SOURCE: Final = "LibreChat"
_TOOLS: Final = {
    "execute_code": "code_interpreter",
    "code_interpreter": "code_interpreter",
    "web_search": "web_browsing",
    "google": "web_browsing",
    "tavily_search_results_json": "web_browsing",
    "dalle": "image_generation",
    "dall-e": "image_generation",
    "image_gen_oai": "image_generation",
    "stable-diffusion": "image_generation",
    "flux": "image_generation",
    "gemini_image_gen": "image_generation",
    "memory": "memory",
}
# Knowledge is searched in every GPT of this site.
_SEARCH: Final = ("file_search", "retrieval")
# Separators in the names of tools that come from an action ("getWeather_action_api---host") or an MCP server.
_OF_ACTION, _OF_MCP = "_action_", "_mcp_"


def agents_in(value: Any) -> list[dict[str, Any]]:
    """The agents of an export; empty if it is none."""
    if isinstance(value, dict) and "instructions" not in value:
        value = value.get("data") or value.get("agents") or value.get("agent")
    entries = objects_of(value) if isinstance(value, list) else objects_of([value])
    return [each for each in entries if _is_agent(each)]


def _is_agent(entry: dict[str, Any]) -> bool:
    marks = ("provider", "model_parameters", "tool_resources", "conversation_starters", "tools", "agent_ids")
    is_one = text_of(entry.get("id")).startswith(("agent_", "asst_")) or entry.get("object") == "assistant"
    return "instructions" in entry and (is_one or sum(mark in entry for mark in marks) >= 2)


def read_agent(entry: dict[str, Any]) -> Found:
    """The GPT of one agent."""
    fields = Fields(SOURCE, text_of(entry.get("name")), text_of(entry.get("description")))
    fields.instructions = text_of(entry.get("instructions"))
    if more := text_of(entry.get("additional_instructions")).strip():
        fields.instructions = f"{fields.instructions.strip()}\n\n{more}"
    fields.starters = texts_of(entry.get("conversation_starters"))
    settings = object_of(entry.get("model_parameters"))
    fields.temperature = settings.get("temperature", entry.get("temperature"))
    tokens = ("max_output_tokens", "maxOutputTokens", "max_tokens", "maxTokens")
    fields.max_tokens = next((settings[name] for name in tokens if settings.get(name)), None)
    fields.picture = picture_of(object_of(entry.get("avatar")).get("filepath"))
    _add_tools(fields, entry.get("tools"))
    _add_actions(fields, entry)
    _note_files(fields, entry)
    _note_rest(fields, entry, settings)
    return fields.found()


def _add_tools(fields: Fields, tools: Any) -> None:
    servers, unknown = list[str](), list[str]()
    for tool in tools if isinstance(tools, list) else ():
        name = tool if isinstance(tool, str) else _name_of(object_of(tool))
        if name in _TOOLS:
            fields.capabilities.append(_TOOLS[name])
        elif _OF_MCP in name:
            servers.append(name.rpartition(_OF_MCP)[2])
        elif name and name not in _SEARCH and _OF_ACTION not in name:
            unknown.append(name)
    if servers:
        fields.notes.append(f"Add its MCP servers by their URLs: {listed(dict.fromkeys(servers))}.")
    if unknown:
        fields.notes.append(f"Tools that do not exist here: {listed(unknown)}.")


def _name_of(tool: dict[str, Any]) -> str:
    kind = text_of(tool.get("type"))
    return text_of(object_of(tool.get("function")).get("name")) if kind == "function" else kind


def _add_actions(fields: Fields, entry: dict[str, Any]) -> None:
    """Whole actions where the export has them; else a note with their hosts, with which their names begin."""
    hosts = [name.partition(_OF_ACTION)[0] for name in texts_of(entry.get("actions"))]
    for action in objects_of(entry.get("actions")):
        metadata = object_of(action.get("metadata"))
        document, domain = text_of(metadata.get("raw_spec")), text_of(metadata.get("domain"))
        if not document.strip():
            hosts.append(domain)
            continue
        auth = authentication(object_of(metadata.get("auth")), metadata, fields.notes)
        fields.add_action(document, auth, _host(domain), text_of(metadata.get("privacy_policy_url")))
    if named := [_host(host) for host in hosts if host]:
        fields.notes.append(f"Add these actions by their OpenAPI documents: {listed(dict.fromkeys(named))}.")


def _host(domain: str) -> str:
    """LibreChat writes the dots of a domain as three dashes in names of tools."""
    return domain.replace("---", ".").removeprefix("https://").removeprefix("http://").strip("/")


def _note_files(fields: Fields, entry: dict[str, Any]) -> None:
    names: list[str] = []
    n_ids = len(texts_of(entry.get("file_ids")))
    for resource in object_of(entry.get("tool_resources")).values():
        resource = object_of(resource)
        names += [text_of(each.get("filename")) for each in objects_of(resource.get("files"))]
        n_ids += len(texts_of(resource.get("file_ids")) + texts_of(resource.get("vector_store_ids")))
    if names or n_ids:
        what = listed(names) or f"{n_ids} file{'' if n_ids == 1 else 's'}"
        fields.notes.append(f"The export does not hold its knowledge: upload {what}.")


def _note_rest(fields: Fields, entry: dict[str, Any], settings: dict[str, Any]) -> None:
    if model := text_of(entry.get("model")) or text_of(settings.get("model")):
        fields.notes.append(f"It was made for the model “{model[:80]}”. Choose a model in its settings.")
    asked = texts_of(entry.get("agent_ids"))
    asked += [text_of(each.get("to")) for each in objects_of(entry.get("edges"))]
    if any(asked):
        fields.notes.append(f"It handed over to other agents: add them as GPTs that it can ask ({listed(asked)}).")
    if entry.get("artifacts"):
        fields.notes.append("Artifacts need no setting here: every chat can show them.")
    if object_of(entry.get("avatar")) and not fields.picture:
        fields.notes.append("Its picture is not part of the export. Upload it.")
