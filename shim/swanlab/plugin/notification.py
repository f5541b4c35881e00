"""Messages at the end of a run, to the places that SwanLab's own callbacks of these names send them to.

Whatever goes wrong is reported by the caller, `callbacks.Registry`; sending takes a few seconds at most.
"""

import json
import time
from base64 import b64encode

from ..callbacks import Callback
from ..messages import say

TIMEOUT_S = 5
TEXTS = {
    "en": {"success": "finished", "crashed": "crashed", "aborted": "was aborted", "run": "Run %s of project %s %s"},
    "zh": {"success": "已完成", "crashed": "已崩溃", "aborted": "已中止", "run": "项目 %s 的实验 %s %s"},
}


class NotificationCallback(Callback):
    """What all of them share: `language` is `zh` or `en`."""

    def __init__(self, language="zh"):
        self.language = language if language in TEXTS else "en"
        self._settings = None

    def on_run_initialized(self, run_dir, path, settings, *args, **kwargs):
        """Remember what the run is called."""
        self._settings = settings

    def on_run_finished(self, state, error=None, *args, **kwargs):
        """Send the message."""
        self.send(self.message(state, error), state)

    def message(self, state, error=None):
        """Give back what is sent, as text of a few lines."""
        texts, settings = TEXTS[self.language], self._settings
        project, name = (settings.project.name, settings.experiment.name) if settings else ("", "")
        first, second = (project, name) if self.language == "zh" else (name, project)
        lines = ["SwanLab", texts["run"] % (first, second, texts.get(state, state))]
        return "\n".join(lines + ([str(error)] if error else []))

    def send(self, text, state):
        """Send text; raises where it does not arrive."""
        raise NotImplementedError


class PrintCallback(NotificationCallback):
    """Says it on stderr."""

    def send(self, text, state):
        """Say it on one line."""
        say(text.replace("\n", ": "))


class WebhookCallback(NotificationCallback):
    """Sends JSON to an address."""

    def __init__(self, webhook_url, secret=None, language="zh"):
        super().__init__(language)
        self.webhook_url = webhook_url
        self.secret = secret

    def send(self, text, state):
        """Send what `payload` gives."""
        _post(self.webhook_url, self.payload(text))

    def payload(self, text):
        """Give back what is sent, as JSON can hold it."""
        return {"text": text}


class SlackCallback(WebhookCallback):
    """Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""


class DiscordCallback(WebhookCallback):
    """Source: https://discord.com/developers/docs/resources/webhook#execute-webhook."""

    def payload(self, text):
        """Give back a message of Discord's."""
        return {"content": text}


class WXWorkCallback(WebhookCallback):
    """Source: https://developer.work.weixin.qq.com/document/path/91770."""

    def payload(self, text):
        """Give back a message of WeCom's."""
        return {"msgtype": "text", "text": {"content": text}}


WeComCallback = WXWorkCallback


class LarkCallback(WebhookCallback):
    """Source: https://open.larksuite.com/document/client-docs/bot-v3/add-custom-bot."""

    def payload(self, text):
        """Give back a message of Lark's, signed where there is a secret."""
        message = {"msg_type": "text", "content": {"text": text}}
        if self.secret:
            moment = str(int(time.time()))
            signature = _signature(("%s\n%s" % (moment, self.secret)).encode("utf-8"), b"")
            message.update(timestamp=moment, sign=signature)
        return message


class DingTalkCallback(WebhookCallback):
    """Source: https://open.dingtalk.com/document/robots/customize-robot-security-settings."""

    def send(self, text, state):
        """Send to the address, signed where there is a secret."""
        address = self.webhook_url
        if self.secret:
            from urllib.parse import quote_plus

            moment = str(round(time.time() * 1000))
            signed = _signature(self.secret.encode("utf-8"), ("%s\n%s" % (moment, self.secret)).encode("utf-8"))
            address = "%s&timestamp=%s&sign=%s" % (address, moment, quote_plus(signed))
        _post(address, {"msgtype": "text", "text": {"content": text}})


class TelegramCallback(NotificationCallback):
    """Source: https://core.telegram.org/bots/api#sendmessage."""

    def __init__(self, bot_token, chat_id, language="zh", api_url="https://api.telegram.org", **_ignored):
        super().__init__(language)
        self.bot_token = bot_token
        self.chat_id = chat_id
        self.api_url = api_url

    def send(self, text, state):
        """Send to the chat."""
        address = "%s/bot%s/sendMessage" % (self.api_url, self.bot_token)
        _post(address, {"chat_id": self.chat_id, "text": text})


class BarkCallback(NotificationCallback):
    """Source: https://bark.day.app/#/tutorial."""

    def __init__(
        self,
        url="https://api.day.app",
        title="SwanLab",
        bark_level="active",
        icon=None,
        group=None,
        click_jump=True,
        language="zh",
        key=None,
        **_ignored
    ):
        super().__init__(language)
        self.url = url.rstrip("/") + ("/%s" % key if key else "")
        self.details = {"title": title, "level": bark_level, "icon": icon, "group": group}

    def send(self, text, state):
        """Send to the phone."""
        details = {name: value for name, value in self.details.items() if value is not None}
        _post(self.url, dict(details, body=text))


class EmailCallback(NotificationCallback):
    """Sends mail through an SMTP server, encrypted where the server can be."""

    def __init__(self, sender_email, receiver_email, password, smtp_server="smtp.gmail.com", port=587, language="zh"):
        super().__init__(language)
        self.sender_email = sender_email
        self.receiver_email = receiver_email
        self.password = password
        self.smtp_server = smtp_server
        self.port = port

    def send(self, text, state):
        """Send the mail."""
        import smtplib
        from email.mime.text import MIMEText

        message = MIMEText(text, "plain", "utf-8")
        message["Subject"] = text.splitlines()[1]
        message["From"], message["To"] = self.sender_email, self.receiver_email
        connection = smtplib.SMTP_SSL if self.port == 465 else smtplib.SMTP
        with connection(self.smtp_server, self.port, timeout=TIMEOUT_S) as server:
            server.ehlo()
            if self.port != 465 and server.has_extn("starttls"):
                server.starttls()
                server.ehlo()
            if self.password and server.has_extn("auth"):
                server.login(self.sender_email, self.password)
            server.sendmail(self.sender_email, [self.receiver_email], message.as_string())


def _post(address, message):
    """Send JSON; raises OSError where it does not arrive or is refused."""
    from urllib.request import Request, urlopen

    content = json.dumps(message).encode("utf-8")
    with urlopen(Request(address, content, {"Content-Type": "application/json; charset=utf-8"}), timeout=TIMEOUT_S):
        pass


def _signature(key, message):
    import hashlib
    import hmac

    return b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode("ascii")
