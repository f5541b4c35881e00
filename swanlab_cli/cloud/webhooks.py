"""Addresses of webhooks: whether one can be used, and the JSON that the service behind it understands. Connects to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

# Discord refuses longer ones: https://discord.com/developers/docs/resources/webhook#execute-webhook.
_LONGEST_TEXT = 1900


def why_unusable(url: str) -> str | None:
    """What is wrong with an address, in words that do not repeat it: it is a secret; None where it can be used."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme not in ("http", "https"):
        return "it begins neither with http:// nor with https://"
    if not parts.hostname:
        return "it has no host"
    if port == 0 or any(character.isspace() or not character.isprintable() for character in url):
        return "it is no address"
    return None


def payload_for(url: str, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON to post: `text` in the service's own shape where the host tells which it is, else as `text` (Slack, Mattermost)
    and `content` (Discord) beside the `fields`.
    """
    parts, text = urlsplit(url), text[:_LONGEST_TEXT]
    if _is_at(parts, "feishu.cn", "larksuite.com"):  # https://open.larksuite.com/document/client-docs/bot-v3/add-custom-bot
        return {"msg_type": "text", "content": {"text": text}}
    if _is_at(parts, "dingtalk.com", "qyapi.weixin.qq.com"):
        # https://open.dingtalk.com/document/robots/custom-robot-access and https://developer.work.weixin.qq.com/document/path/91770
        return {"msgtype": "text", "text": {"content": text}}
    if _is_at(parts, "discord.com", "discordapp.com"):
        return {"content": text, "allowed_mentions": {"parse": []}}
    if _is_at(parts, "hooks.slack.com"):
        return {"text": text}
    return {"text": text, "content": text, **fields}


def refusal_in(answer: Mapping[str, Any]) -> str | None:
    """The number with which Feishu, DingTalk and WeCom refuse a message under HTTP status 200; None where there is none."""
    code = next((answer[name] for name in ("errcode", "code") if isinstance(answer.get(name), int)), 0)
    return f"error {code}" if code else None


def _is_at(parts: SplitResult, *domains: str) -> bool:
    host = parts.hostname or ""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
