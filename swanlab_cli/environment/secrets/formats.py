r"""What secrets look like, as data: words of names, values that are none, formats of well-known keys.

Regular expressions are texts in the syntax of Python 3.7, since the shim uses them too, and are compiled by whoever needs one.
"""

from __future__ import annotations

# Names are looked at in words and in lower case: `openai.apiKey2` is `openai`, `api`, `key`.
SECRET_WORDS = (
    "apikey apikeys accesskey secretkey privatekey secret secrets password passwords passwd passphrase passphrases passcode pgpassword"
    " credential credentials accesstoken authtoken"
)
"""A value beside a name with one of these is a secret unless it is ordinary; likewise with the pairs that follow."""
OWNERS = {
    "key": "api access secret private signing encryption account master service subscription deploy host openai wandb swanlab"
    " anthropic hf ssh tls ssl hmac fernet azure aws gcp",
    "token": "github gitlab gh git hf hub huggingface slack bot npm pypi wandb swanlab comet neptune login oauth oauth2 csrf xsrf ci"
    " job private personal registry deploy discord telegram databricks vault docker dockerhub azure aws gcp kaggle root admin lark"
    " feishu api auth access bearer refresh session security secret service identity id jwt do cf cloudflare openai anthropic",
    "pwd": "mysql db admin root user redis ftp smtp mail",
    "pass": "mysql db admin root user redis ftp smtp mail",
    "pat": "ext github gitlab git gh azure devops",
}
"""The word before, for each word that says little alone; their plurals count as they do."""
NOT_ABOUT = (
    "path paths file files filename dir folder sock socket url uri host name names type kind length len size count policy prompt"
    " hint required enabled expiry expires ttl age version manager provider store backend format field header param env var variable"
    " ids help label regex pattern schema timeout index dim method mode scope status level algorithm server endpoint loss weight"
    " prob bits source reader validator check min max column columns getter setter callback input santa"
)
"""Behind such a word these make it the name of something else."""
NOT_ASKED = "num n no use has is max min allow require requires required with without disable enable skip forgot reset show hide check"
"""In front of a name these make it a number or a switch."""
TOKEN_WORDS = "token pwd jwt webhook sas bearer authorization"
"""At the end of a name these make a value a secret if it is LIKELY."""
NOT_TOKENS = (
    "pad eos bos unk mask sep cls image img video audio stop start end begin special next prev per max min num n first last new"
    " extra prefix suffix middle boi eoi fim decoder forced word sub text class prompt think tool speaker blank space"
)
"""Before `token` these make it one of a language model's."""
KEY_WORDS = "auth key salt signature sig pass dsn nonce otp"
"""At the end of a name these make a value a secret if it is RANDOM."""

ORDINARY_WORDS = (
    "true false none null nil undefined yes no on off default auto optional required disabled enabled unset empty any all env"
    " environment prompt ask str string bytes int file keyring redacted masked hidden secret password token changeme"
)
ORDINARY = (
    r"|v?\d+(?:\.\d+)+[\w.+-]*|[*.#?_-]+|x{3,}|-?\d{1,3}(?:\.\d*)?|your[-_ ].*|<.*>|\[.*\]|\{.*\}|\$\w+|\$[({].*|%.*[%)]|(?:~|\.{0,2})/(?:[\w.@-]+/)+[\w.@-]*"
    r"|[\w.@/~-]+\.(?:json|pem|key|txt|ya?ml|toml|env|pub|crt|cer|ini|cfg|netrc)"
)
LIKELY = r"(?![<\[|{$/~.])(?=.*[0-9]|.{20}|.*[a-z][A-Z])[^\s<>\[\]|{}()$]{8,}"
RANDOM = r"(?=(?:[^0-9]*[0-9]){2})(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9+/=]{16,}"
LITERAL = (  # of source code and prose, where most that follows a secret's name is an expression
    r"(?!(?:[A-Za-z_]\w*\.)+\w+$)(?![\d.]+$)(?!(?:\w+\.)+[\w$]+@[0-9a-f]+$)"
    r"(?=.*[0-9!@#$%^&*+=/~]|.*[a-z][A-Z]|.*[a-z].*[A-Z]{2})(?=.*[0-9]|.*[^\w.-])"
    r"(?!(?:https?:/)?/)[A-Za-z0-9!@#$%^&*+=/~_.?:-]{6,}"
)

# (kind, what must be in the text, the expression; its group 1, if it has one, is what is masked)
FORMATS = (
    ("private key", "PRIVATE KEY-----",
     r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----([\s\S]{16,}?)(?:-----END [A-Z ]{0,20}PRIVATE KEY-----|\Z)"),
    ("PuTTY key", "Private-Lines:", r"Private-Lines: \d+\s+((?:[A-Za-z0-9+/=]{16,}\s+)+)"),
    ("age key", "AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    ("AWS key id", "AKIA", r"(?<![A-Za-z0-9+/])AKIA[A-Z0-9]{16}(?![A-Za-z0-9+/])"),
    ("AWS key id", "ASIA", r"(?<![A-Za-z0-9+/])ASIA[A-Z0-9]{16}(?![A-Za-z0-9+/])"),
    ("Google key", "AIza", r"AIza[0-9A-Za-z_-]{35}"),
    ("Google token", "ya29.", r"ya29\.[0-9A-Za-z_-]{20,}"),
    ("Google client secret", "GOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{20,}"),
    ("API key", "sk-", r"(?<![A-Za-z0-9_-])sk-(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,}"),
    ("API key", "sk_", r"(?<![A-Za-z0-9_])sk_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("API key", "rk_", r"(?<![A-Za-z0-9_])rk_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("webhook secret", "whsec_", r"whsec_[A-Za-z0-9+/]{20,}={0,2}"),
    ("Hugging Face token", "hf_", r"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{30,}"),
    ("Hugging Face token", "api_org_", r"api_org_[A-Za-z0-9]{30,}"),
    *(("GitHub token", kind, r"(?<![A-Za-z0-9])" + kind + "[A-Za-z0-9]{30,}") for kind in ("gho_", "ghp_", "ghr_", "ghs_", "ghu_")),
    ("GitHub token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,}"),
    *(("GitLab token", kind, r"(?<![A-Za-z0-9])" + kind + "[A-Za-z0-9_-]{20,}")
      for kind in ("glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glft-", "glsoat-", "gloas-", "glimt-", "glagent-")),
    ("Slack token", "xox", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("Slack token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{10,}"),
    ("webhook", "hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/+_-]{20,})"),
    ("webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/(\d+/[\w-]{30,})"),
    ("webhook", "/bot/v2/hook/", r"/open-apis/bot/v2/hook/([0-9a-zA-Z-]{20,})"),
    ("webhook", "/cgi-bin/webhook/", r"/cgi-bin/webhook/send\?key=([0-9a-zA-Z-]{20,})"),
    ("webhook", "webhook.office.com/", r"webhook\.office\.com/webhookb2/([\w@/-]{30,})"),
    ("wandb key", "wandb_v", r"wandb_v\d+_[A-Za-z0-9_]{20,}"),
    ("JWT", "eyJ", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    ("SendGrid key", "SG.", r"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("Azure key", "AccountKey=", r"AccountKey=([A-Za-z0-9+/]{40,}={0,2})"),
    ("Azure key", "SharedAccessKey=", r"SharedAccessKey=([A-Za-z0-9+/]{30,}={0,2})"),
    ("Azure secret", "Q~", r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
    ("Telegram token", ":AA", r"(?<![0-9])\d{8,10}:AA[A-Za-z0-9_-]{32,33}(?![A-Za-z0-9_-])"),
    ("npm token", "npm_", r"npm_[A-Za-z0-9]{36}"),
    ("PyPI token", "pypi-", r"pypi-[A-Za-z0-9_-]{50,}"),
    ("Databricks token", "dapi", r"dapi[0-9a-f]{32}(?:-\d+)?"),
    ("Groq key", "gsk_", r"gsk_[A-Za-z0-9]{40,}"),
    ("xAI key", "xai-", r"(?<![A-Za-z0-9])xai-[A-Za-z0-9]{60,}"),
    ("Replicate token", "r8_", r"(?<![A-Za-z0-9])r8_[A-Za-z0-9]{35,}"),
    ("Perplexity key", "pplx-", r"pplx-[A-Za-z0-9]{40,}"),
    ("NVIDIA key", "nvapi-", r"nvapi-[A-Za-z0-9_-]{40,}"),
    ("Docker token", "dckr_", r"dckr_[op]at_[A-Za-z0-9_-]{20,}"),
    ("LangSmith key", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    ("Vault token", "hvs.", r"hvs\.[A-Za-z0-9_-]{24,}"),
    ("DigitalOcean token", "_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    ("Mailgun key", "key-", r"(?<![A-Za-z0-9])key-[0-9a-f]{32}(?![0-9a-f])"),
    ("Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("Linear key", "lin_api_", r"lin_api_[A-Za-z0-9]{40}"),
    ("Grafana token", "glsa_", r"glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}"),
    ("Postman key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("Atlassian token", "ATATT3", r"ATATT3[A-Za-z0-9_=-]{60,}"),
    ("Tailscale key", "tskey-", r"tskey-[a-z]+-[A-Za-z0-9]+-[A-Za-z0-9]{20,}"),
    ("Supabase token", "sbp_", r"sbp_[0-9a-f]{40}"),
    ("RunPod key", "rpa_", r"(?<![A-Za-z0-9])rpa_[A-Z0-9]{40,}"),
    ("Alibaba key id", "LTAI", r"(?<![A-Za-z0-9])LTAI[A-Za-z0-9]{12,24}(?![A-Za-z0-9])"),
    ("Tencent key id", "AKID", r"(?<![A-Za-z0-9])AKID[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    ("password in a URL", "@", r"[a-z0-9]://[^\s/:@\"'<>]*:([^\s\"'<>/]+)@"),
    ("token in a URL", "@", r"https?://([A-Za-z0-9_-]{16,})@"),
    ("secret in a URL", "?",
     r"(?i)[?&;](?:(?:access_?|auth_?|private_?|refresh_?|id_|session_?)?token|api_?key|sig|password|passwd|pwd|secret|client_secret"
     r"|x-amz-(?:signature|security-token|credential)|x-goog-signature|subscription-key|apikey)=([^&\s\"'#;<>{}$*]{4,})"),
    ("authorization", "uthorization",
     r"uthorization\\?[\"']?\s*[:=]\s*\\?[\"']?(?:[A-Za-z]{3,10}\s+)?(?=[\w.~+/=:-]*[0-9])([\w.~+/=:-]{8,})(?=[\s\"'\\,;}&]|$)"),
    ("authorization", "earer ", r"[Bb]earer (?=[^\s]*[0-9])([A-Za-z0-9._~+/=-]{12,})"),
    ("authorization", "asic ", r"[Bb]asic (?=[^\s]*[0-9=])(?=[^\s]*[A-Z])([A-Za-z0-9+/]{12,}={0,2})(?![A-Za-z0-9+/=_.-])"),
    ("password in netrc", "password ", r"(?:machine\s+\S+|default)\s+login\s+\S+\s+password\s+(\S+)"),
)  # fmt: skip

# A text without any of these has no name of a secret.
WORDS = ("key", "token", "secret", "pass", "pwd", "auth", "credential", "_pat", "jwt", "webhook", "dsn", "salt",
         "signature", "_sig", "_sas", "bearer", "nonce", "_otp")  # fmt: skip
WORD_OF_NAME = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+"
ASSIGNMENT = (
    r"([A-Za-z_][A-Za-z0-9_.-]{1,60})\\{0,2}[\"'\]]{0,2}[ \t]{0,3}(?:=>|:=|={1,3}(?=[ \t]{0,3}[\"'])|=(?!=)|:)[ \t]{0,3}"
    r"(?:[rbfu]?\\{0,2}\"([^\"\\\n]{4,})\\{0,2}\"|[rbfu]?'([^'\\\n]{4,})'|([^\s\"'&,;)}\]\\]{3,}))"
)
"""A name, and its value in double, single or no quotes."""
FLAG = r"(?<![\w-])--?([A-Za-z][\w.-]{2,60})[ \t]+[\"']?([^\s\"'-][^\s\"']*)"
# Programs whose short flags take passwords: (flag, whether the value must be attached to it, whether it is USER:PASSWORD).
SHORT_FLAGS = {
    **dict.fromkeys(("mysql", "mysqldump", "mariadb", "mysqladmin"), ("-p", True, False)),
    "sshpass": ("-p", False, False),
    "redis-cli": ("-a", False, False),
    "curl": ("-u", False, True),
}
