"""Open WebUI's exported models: a list of objects with `params` and `meta`, older ones within `info`."""

import base64
import binascii
from typing import Any, Final

from gpts.portable.found import Fields, Found, listed, object_of, objects_of, text_of, texts_of
from gpts.portable.modelfile import instructions

SOURCE: Final = "Open WebUI"
_CAPABILITIES: Final = {
    "web_search": "web_browsing",
    "image_generation": "image_generation",
    "code_interpreter": "code_interpreter",
}
# Of `meta`, what only means something to Open WebUI's own plug-ins.
_PLUGINS: Final = {"toolIds": "tools", "filterIds": "filters", "actionIds": "actions", "skillIds": "skills"}
_PARAMETERS: Final = ("system", "temperature", "max_tokens", "num_predict")


def models_in(value: Any) -> list[dict[str, Any]]:
    """The models of an export; empty if it is none."""
    entries = objects_of(value) if isinstance(value, list) else objects_of([value])
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        entries = objects_of(value["data"])
    return [each for each in entries if _is_model(each)]


def _is_model(entry: dict[str, Any]) -> bool:
    inner = object_of(entry.get("info")) or entry
    has_settings = isinstance(inner.get("params"), dict) and isinstance(inner.get("meta"), dict)
    return has_settings or ("tagName" in entry and "content" in entry)


def read_model(entry: dict[str, Any]) -> Found:
    """The GPT of one model."""
    if "tagName" in entry:
        return _read_old(entry)
    inner = object_of(entry.get("info")) or entry
    params, meta = object_of(inner.get("params")), object_of(inner.get("meta"))
    name = text_of(inner.get("name")) or text_of(entry.get("name")) or text_of(entry.get("id"))
    fields = Fields(SOURCE, name, text_of(meta.get("description")), text_of(params.get("system")))
    fields.starters = _starters(meta.get("suggestion_prompts"))
    fields.capabilities = _capabilities(meta)
    fields.temperature = params.get("temperature")
    fields.max_tokens = params.get("max_tokens") or params.get("num_predict")
    fields.picture = picture_of(meta.get("profile_image_url"))
    _add_knowledge(fields, objects_of(meta.get("knowledge")))
    _note_rest(fields, inner, params, meta)
    return fields.found()


def _read_old(entry: dict[str, Any]) -> Found:
    """A "modelfile" of releases before 0.2, which holds an Ollama Modelfile."""
    fields = Fields(SOURCE, text_of(entry.get("title")) or text_of(entry.get("tagName")), text_of(entry.get("desc")))
    for keyword, value in instructions(text_of(entry.get("content"))):
        if keyword == "SYSTEM":
            fields.instructions = value
        elif keyword == "FROM":
            fields.notes.append(_made_for(value))
        else:
            fields.notes.append(f"Not carried over: {keyword} {value[:40]}.")
    fields.starters = _starters(entry.get("suggestionPrompts"))
    fields.picture = picture_of(entry.get("imageUrl"))
    return fields.found()


def _starters(prompts: Any) -> list[str]:
    return [text_of(each.get("content")) for each in objects_of(prompts)]


def _capabilities(meta: dict[str, Any]) -> list[str]:
    """Those that the model may use, or only those that are on from the start if the export lists them."""
    allowed = object_of(meta.get("capabilities"))
    on = meta.get("defaultFeatureIds")
    wanted = on if isinstance(on, list) and on else [key for key in allowed if str(allowed[key]).lower() == "true"]
    return [_CAPABILITIES[key] for key in wanted if isinstance(key, str) and key in _CAPABILITIES]


def picture_of(url: Any) -> bytes:
    """The bytes of a picture in a `data:` URL; empty for any other."""
    head, _, data = text_of(url).partition(",")
    if not (head.startswith("data:image/") and head.endswith(";base64")):
        return b""
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _add_knowledge(fields: Fields, entries: list[dict[str, Any]]) -> None:
    missing = []
    for entry in entries:
        # A file of its own, a file with its record, or a collection of files.
        records = objects_of(entry.get("files")) or [object_of(entry.get("file")) or entry]
        for record in records:
            name = text_of(record.get("filename")) or text_of(object_of(record.get("meta")).get("name"))
            name = name or text_of(entry.get("name"))
            text = text_of(object_of(record.get("data")).get("content"))
            if text.strip():
                fields.add_text_file(_as_text(name), text)
            else:
                missing.append(name or text_of(entry.get("id")))
    if missing:
        fields.notes.append(f"The export does not hold its knowledge: upload {listed(missing)}.")


def _as_text(name: str) -> str:
    """A name for the text of a file: what the export holds of a PDF is its text."""
    stem = name or "knowledge"
    return stem if stem.lower().endswith((".md", ".txt", ".csv", ".json", ".html")) else f"{stem}.txt"


def _note_rest(fields: Fields, inner: dict[str, Any], params: dict[str, Any], meta: dict[str, Any]) -> None:
    if base := text_of(inner.get("base_model_id")):
        fields.notes.append(_made_for(base))
    for key, words in _PLUGINS.items():
        if ids := texts_of(meta.get(key)):
            fields.notes.append(f"Its {words} are code of Open WebUI and were left out: {listed(ids)}.")
    if others := [key for key, value in params.items() if key not in _PARAMETERS and value not in (None, "", [], {})]:
        fields.notes.append(f"Parameters not carried over: {listed(others)}.")
    if inner.get("access_grants") or inner.get("access_control"):
        fields.notes.append("Who may use it was not carried over: it is yours alone until you share it.")


def _made_for(model: str) -> str:
    return f"It was made for the model “{model[:80]}”. Choose a model in its settings."
