"""Messages as a person in a terminal reads them: blocks to plain text. Pure."""

import html
import re
from collections.abc import Iterator
from typing import Any

import emoji
from tabulate import tabulate

from playground.slack.workspace import UnknownName, Workspace

Json = dict[str, Any]
_REFERENCE = re.compile(r"<([^<>\n]+)>")
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
_SHORTCODE = re.compile(r":(?:large_)?([a-z0-9_+-]+):")


def plain_message(message: Json, workspace: Workspace) -> str:
    """Return the whole message as lines of text; blocks win over the fallback text, as in Slack's clients."""
    parts = [plain_block(block, workspace) for block in message.get("blocks") or []]
    if not parts:
        parts = [plain_text(message.get("text", ""), workspace)]
    for attachment in message.get("attachments") or []:
        parts.extend(_attachment(attachment, workspace))
    for file in message.get("files") or []:
        parts.append(f"📎 {file.get('title') or file.get('name')}{_alt(file)}")
    return "\n".join(part for part in parts if part)


def plain_text(text: str, workspace: Workspace) -> str:
    """Return mrkdwn with mentions, links and dates spelled out: https://docs.slack.dev/messaging/formatting-message-text"""
    spelled = _REFERENCE.sub(lambda found: _reference(found.group(1), workspace), text)
    return html.unescape("".join(map(_with_emoji, _CODE.split(spelled))))


def _with_emoji(part: str) -> str:
    """Return *part* with :shortcodes: as characters; code stays as it is, unknown ones too."""
    if part.startswith("`"):
        return part
    return _SHORTCODE.sub(_character, emoji.emojize(part, language="alias"))


def _character(found: re.Match[str]) -> str:
    # Slack knows :large_green_circle: by its old name; the standard's alias has no "large_".
    plain = f":{found[1]}:"
    drawn = emoji.emojize(plain, language="alias")
    return drawn if drawn != plain else found[0]


def plain_block(block: Json, workspace: Workspace) -> str:
    """Return one block as text; a kind without a rendering of its own shows whatever text it holds."""
    draw = _BLOCKS.get(block.get("type", ""))
    if draw is None:
        return "\n".join(plain_text(text, workspace) for text in _texts(block))
    return draw(block, workspace)


def _reference(inner: str, workspace: Workspace) -> str:
    target, _, label = inner.partition("|")
    if target.startswith("@"):
        return "@" + workspace.name_of(target[1:])
    if target.startswith("#"):
        return "#" + (label or _name(workspace.channel, target[1:], "name"))
    if target.startswith("!subteam^"):
        return "@" + _name(workspace.group, target.removeprefix("!subteam^"), "handle")
    if target.startswith("!date^"):
        return label
    if target.startswith("!"):
        return "@" + target[1:]
    return f"{label} ({target})" if label else target


def _name(look_up: Any, key: str, attribute: str) -> str:
    try:
        return str(getattr(look_up(key), attribute))
    except UnknownName:
        return key


def _text_object(value: Any, workspace: Workspace) -> str:
    if not isinstance(value, dict):
        return ""
    if value.get("type") == "mrkdwn":
        return plain_text(value.get("text", ""), workspace)
    return str(value.get("text", ""))


def _alt(holder: Json) -> str:
    return f" ({holder['alt_txt']})" if holder.get("alt_txt") else ""


def _section(block: Json, workspace: Workspace) -> str:
    lines = [_text_object(block.get("text"), workspace)]
    fields = [_text_object(field, workspace) for field in block.get("fields") or []]
    pairs = [fields[start : start + 2] for start in range(0, len(fields), 2)]
    if pairs:
        cells = [[field.replace("\n", " ") for field in pair] for pair in pairs]
        lines.append(tabulate(cells, tablefmt="plain", disable_numparse=True))
    if "accessory" in block:
        lines.append(_element(block["accessory"], workspace))
    return "\n".join(line for line in lines if line)


def _header(block: Json, workspace: Workspace) -> str:
    return f"━━ {_text_object(block.get('text'), workspace)} ━━"


def _divider(block: Json, workspace: Workspace) -> str:
    return "─" * 40


def _context(block: Json, workspace: Workspace) -> str:
    return " · ".join(_element(element, workspace) for element in block.get("elements") or [])


def _actions(block: Json, workspace: Workspace) -> str:
    return "  ".join(_element(element, workspace) for element in block.get("elements") or [])


def _image(block: Json, workspace: Workspace) -> str:
    title = _text_object(block.get("title"), workspace)
    return f"🖼 {title + ': ' if title else ''}{block.get('alt_text', '')}"


def _markdown(block: Json, workspace: Workspace) -> str:
    return str(block.get("text", ""))


def _input(block: Json, workspace: Workspace) -> str:
    may = " (optional)" if block.get("optional") else ""
    element = _element(block.get("element") or {}, workspace)
    field = f"{_text_object(block.get('label'), workspace)}{may}: {element}"
    hint = _text_object(block.get("hint"), workspace)
    return f"{field}\n  {hint}" if hint else field


def _table(block: Json, workspace: Workspace) -> str:
    rows = [[_cell(cell, workspace) for cell in row] for row in block.get("rows") or []]
    if not rows:
        return ""
    width = max(len(row) for row in rows)
    settings = [*(block.get("column_settings") or []), *([None] * width)][:width]
    aligns = [(setting or {}).get("align", "left") for setting in settings]
    drawn = tabulate(
        [[*row, *[""] * (width - len(row))] for row in rows[1:]],
        headers=[*rows[0], *[""] * (width - len(rows[0]))],
        tablefmt="simple",
        disable_numparse=True,
        colalign=aligns if len(rows) > 1 else None,
    )
    caption = block.get("caption", "")
    return f"{caption}\n{drawn}" if caption else drawn


def _cell(cell: Json, workspace: Workspace) -> str:
    if cell.get("type") == "rich_text":
        return _rich_text(cell, workspace).replace("\n", " ")
    if cell.get("type") == "raw_number":
        return str(cell.get("text") or cell.get("value", ""))
    return str(cell.get("text", ""))


def _rich_text(block: Json, workspace: Workspace) -> str:
    return "\n".join(_rich_part(part, workspace) for part in block.get("elements") or [])


def _rich_part(part: Json, workspace: Workspace) -> str:
    kind, inner = part.get("type"), part.get("elements") or []
    if kind == "rich_text_list":
        return "\n".join(f"• {_rich_part(item, workspace)}" for item in inner)
    text = "".join(_rich_leaf(leaf, workspace) for leaf in inner)
    if kind == "rich_text_preformatted":
        return f"```\n{text}\n```"
    return "\n".join(f"> {line}" for line in text.splitlines()) if kind == "rich_text_quote" else text


def _rich_leaf(leaf: Json, workspace: Workspace) -> str:
    match leaf.get("type"):
        case "user":
            return "@" + workspace.name_of(leaf.get("user_id", ""))
        case "usergroup":
            return "@" + _name(workspace.group, leaf.get("usergroup_id", ""), "handle")
        case "channel":
            return "#" + _name(workspace.channel, leaf.get("channel_id", ""), "name")
        case "broadcast":
            return "@" + str(leaf.get("range", ""))
        case "emoji":
            return f":{leaf.get('name', '')}:"
        case "link":
            return f"{leaf['text']} ({leaf.get('url', '')})" if leaf.get("text") else str(leaf.get("url", ""))
    return str(leaf.get("text", ""))


def _element(element: Json, workspace: Workspace) -> str:
    kind = element.get("type", "")
    if kind in ("mrkdwn", "plain_text"):
        return _text_object(element, workspace)
    if kind == "image":
        return f"🖼 {element.get('alt_text', '')}"
    if kind == "button":
        return f"[ {_text_object(element.get('text'), workspace)} ]"
    if kind == "overflow":
        return "[ ⋯ ]"
    if kind in ("radio_buttons", "checkboxes"):
        return _choices(element, workspace)
    label = _entered(element, workspace) or _text_object(element.get("placeholder"), workspace)
    if kind in _TYPED:
        return f"[ {label or _TYPED[kind]} ]"
    return f"[ {label or _PICKED.get(kind, 'choose')} ▾ ]"


def _choices(element: Json, workspace: Workspace) -> str:
    chosen = [element.get("initial_option"), *(element.get("initial_options") or [])]
    marks = [("●" if option in chosen else "○", option) for option in element.get("options") or []]
    return "  ".join(f"{mark} {_text_object(option.get('text'), workspace)}" for mark, option in marks)


def _entered(element: Json, workspace: Workspace) -> str:
    """Return what stands in a field or menu from the beginning."""
    for name in ("initial_value", "initial_date", "initial_time", "initial_date_time"):
        if element.get(name) is not None:
            return str(element[name])
    options = [element.get("initial_option") or {}, *(element.get("initial_options") or [])]
    return ", ".join(_text_object(option["text"], workspace) for option in options if option)


def _attachment(attachment: Json, workspace: Workspace) -> Iterator[str]:
    lines = [
        plain_text(str(attachment[key]), workspace)
        for key in ("pretext", "title", "text")
        if attachment.get(key)
    ]
    lines += [plain_block(block, workspace) for block in attachment.get("blocks") or []]
    for line in lines or [str(attachment.get("fallback", ""))]:
        yield "\n".join(f"│ {piece}" for piece in line.splitlines())


def _texts(value: Any) -> Iterator[str]:
    """Yield every string under a key named text, in the order of the document."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "text" and isinstance(item, str):
                yield item
            else:
                yield from _texts(item)


_TYPED = {
    "plain_text_input": "text",
    "number_input": "number",
    "email_text_input": "e-mail",
    "url_text_input": "URL",
}
_PICKED = {"datepicker": "date", "timepicker": "time", "datetimepicker": "date and time"}
_BLOCKS = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "markdown": _markdown,
    "input": _input,
    "table": _table,
    "data_table": _table,
    "rich_text": _rich_text,
}
