"""The settings: one frozen object read from the environment, or one line that says what is wrong and how
to mend it."""
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ("development", "production", "test")
VIDEO = ("embedded", "mediamtx", "off")
# What guards money and data has no default in production.
REQUIRED_IN_PRODUCTION = {
    "SECRET_KEY": "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    "DATABASE_URL": "for example postgresql://user:password@host:5432/livestall",
    "REDIS_URL": "for example redis://host:6379/0",
    "BASE_URL": "the address people type, for example https://shop.example",
    "ALLOWED_ORIGINS": "where sockets may come from, for example https://shop.example",
    "PAYMENT_PROVIDER": "stripe, or sandbox where no money should move",
}


class ConfigError(Exception):
    """A setting is missing or wrong; the text is one line."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything a process is told from outside; `.env.example` explains each. Secrets stay out of repr()."""

    env: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    base_url: str
    allowed_origins: tuple[str, ...]
    data_dir: Path
    host: str
    port: int
    web: int
    web_proxy: str
    trusted_proxies: int
    demo: bool
    payment_provider: str
    platform_fee_ppm: int
    stripe_secret_key: str = field(repr=False)
    stripe_webhook_secret: str = field(repr=False)
    stripe_api_base: str
    stripe_payout_webhook_secret: str = field(repr=False)
    payout_debtor_name: str
    payout_debtor_iban: str
    payout_debtor_bic: str
    payout_keys: tuple[str, ...] = field(repr=False)
    sandbox_webhook_secret: str = field(repr=False)
    smtp_url: str = field(repr=False)
    mail_from: str
    default_language: str
    log_level: str
    log_format: str
    metrics_token: str = field(repr=False)
    db_pool_size: int
    video: str
    rtmp_port: int
    flv_port: int
    flv_url: str
    flv_viewers: int
    janus: str
    janus_ports: tuple[int, int]
    janus_ip: str
    janus_viewers: int
    video_keep_days: int
    video_min_free_mb: int
    video_small_load: int
    demo_video: bool
    mediamtx_hls_url: str
    mediamtx_ingest_url: str
    mediamtx_secret: str = field(repr=False)

    @property
    def production(self):
        return self.env == "production"

    @property
    def secure_cookies(self):
        """Cookies carry Secure when the address is https."""
        return self.base_url.startswith("https://")


def load(environ=None, *, env_file=PROJECT / ".env"):
    """The settings from the environment, then `.env` (not under APP_ENV=test), then defaults.

    Makes DATA_DIR and, when SECRET_KEY is not given, its secret_key file. Raises ConfigError.
    """
    read = _Reader(dict(os.environ if environ is None else environ))
    if read.values.get("APP_ENV") != "test" and env_file:
        read.values = {**read_env_file(env_file), **read.values}
    env = read.choice("APP_ENV", ENVIRONMENTS, "development")
    if env == "production":
        read.require(REQUIRED_IN_PRODUCTION)
        if read.text("FAILPOINTS"):
            raise ConfigError("FAILPOINTS is set and APP_ENV is production: take it out, it is for fault tests.")
    data_dir = make_data_dir(read.text("DATA_DIR", "./var"))
    host, port = read.text("HOST", "127.0.0.1"), read.integer("PORT", 8000, 1, 65535)
    base_url = _origin("BASE_URL", read.text("BASE_URL", f"http://{reachable_host(host)}:{port}"))
    secret_key = _secret_key(read.text("SECRET_KEY"), data_dir, env)
    database_url = read.url("DATABASE_URL", ("postgresql", "postgres", "postgresql+psycopg"))
    config = Config(
        env=env, data_dir=data_dir, host=host, port=port, base_url=base_url, secret_key=secret_key,
        database_url=re.sub(r"^postgres(ql\+psycopg)?://", "postgresql://", database_url),
        redis_url=read.url("REDIS_URL", ("redis", "rediss")),
        allowed_origins=_allowed_origins(read, env, base_url),
        web=read.integer("WEB", 1, 1, 64),
        web_proxy=read.choice("WEB_PROXY", ("auto", "none"), "auto"),
        trusted_proxies=read.integer("TRUSTED_PROXIES", 0, 0, 8),
        demo=read.boolean("DEMO", env == "development" and not database_url),
        payment_provider=read.choice("PAYMENT_PROVIDER", ("sandbox", "stripe"), "sandbox"),
        platform_fee_ppm=read.integer("PLATFORM_FEE_PPM", 0, 0, 1_000_000),
        stripe_secret_key=read.text("STRIPE_SECRET_KEY"),
        stripe_webhook_secret=read.text("STRIPE_WEBHOOK_SECRET"),
        stripe_api_base=read.url("STRIPE_API_BASE", ("http", "https")),
        stripe_payout_webhook_secret=read.text("STRIPE_PAYOUT_WEBHOOK_SECRET"),
        payout_debtor_name=read.text("PAYOUT_DEBTOR_NAME", "Livestall"),
        payout_debtor_iban=read.text("PAYOUT_DEBTOR_IBAN"),
        payout_debtor_bic=read.text("PAYOUT_DEBTOR_BIC"),
        payout_keys=_payout_keys(read.text("PAYOUT_KEYS")),
        sandbox_webhook_secret=read.text("SANDBOX_WEBHOOK_SECRET") or derived(secret_key, "sandbox webhook"),
        smtp_url=read.url("SMTP_URL", ("smtp", "smtps")),
        mail_from=read.text("MAIL_FROM", "Livestall <no-reply@localhost>"),
        default_language=read.choice("DEFAULT_LANGUAGE", ("en", "zh"), "en"),
        log_level=read.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info"),
        log_format=read.choice("LOG_FORMAT", ("json", "console", ""), ""),
        metrics_token=read.text("METRICS_TOKEN"),
        db_pool_size=read.integer("DB_POOL_SIZE", 10, 2, 200),
        video=read.choice("VIDEO", VIDEO, "embedded" if env == "development" else "off"),
        rtmp_port=read.integer("RTMP_PORT", 1935, 1, 65535),
        flv_port=read.integer("FLV_PORT", 1936, 1, 65535),
        flv_url=read.url("FLV_URL", ("ws", "wss")).rstrip("/"),
        flv_viewers=read.integer("FLV_VIEWERS", 200, 0, 100_000),
        janus=read.text("JANUS", "auto"),
        janus_ports=read.span("JANUS_PORTS", "20000-20400"),
        janus_ip=read.text("JANUS_IP"),
        janus_viewers=read.integer("JANUS_VIEWERS", 100, 0, 10_000),
        video_keep_days=read.integer("VIDEO_KEEP_DAYS", 30, 1, 3650),
        video_min_free_mb=read.integer("VIDEO_MIN_FREE_MB", 1000, 0, 100_000_000),
        video_small_load=read.integer("VIDEO_SMALL_LOAD", 80, 0, 1_000_000),
        demo_video=read.boolean("DEMO_VIDEO", env == "development"),
        mediamtx_hls_url=read.url("MEDIAMTX_HLS_URL", ("http", "https")).rstrip("/"),
        mediamtx_ingest_url=read.url("MEDIAMTX_INGEST_URL", ("rtmp", "rtmps")).rstrip("/"),
        mediamtx_secret=read.text("MEDIAMTX_SECRET") or derived(secret_key, "mediamtx"),
    )
    _check_together(config)
    return config


def read_env_file(path):
    """NAME=value lines of a `.env` file, quotes taken off; no file, nothing. Raises ConfigError."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    values = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if line and not line.startswith("#"):
            match = re.fullmatch(r"(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|(.*))", line)
            if not match:
                raise ConfigError(f"{path}, line {number}: write NAME=value, or # before a comment.")
            values[match[1]] = next(part for part in match.groups()[1:] if part is not None)
    return values


def make_data_dir(text):
    """The data folder as an absolute path, made with mode 0700; one that exists keeps its mode."""
    path = (PROJECT / Path(text).expanduser()).resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"DATA_DIR '{path}' cannot be made: {error.strerror}.") from None
    if path.stat().st_uid != os.geteuid():
        raise ConfigError(f"DATA_DIR '{path}' belongs to another user: give another folder.")
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError(f"DATA_DIR '{path}' cannot be written to: change its mode or give another folder.")
    return path


class _Reader:
    """Typed values out of NAME=text; an empty text counts as not given."""

    def __init__(self, values):
        self.values = values

    def text(self, name, default=""):
        value = self.values.get(name, "").strip() or default
        if not value.isprintable():
            raise ConfigError(f"{name} has a line break or control character in it: take it out.")
        return value

    def require(self, hints):
        for name, hint in hints.items():
            if not self.text(name):
                raise ConfigError(f"{name} is missing and APP_ENV is production: {hint}.")

    def choice(self, name, allowed, default):
        value = self.text(name, default).lower()
        if value not in allowed:
            raise ConfigError(f"{name} is '{value}': give one of {', '.join(filter(None, allowed))}.")
        return value

    def boolean(self, name, default):
        value = self.text(name, "1" if default else "0").lower()
        if value in ("1", "true", "yes", "on"):
            return True
        if value in ("0", "false", "no", "off"):
            return False
        raise ConfigError(f"{name} is '{value}': give 1 or 0.")

    def integer(self, name, default, low, high):
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise ConfigError(f"{name} is '{value}': give a whole number from {low} to {high}.")
        return int(value)

    def span(self, name, default):
        value = self.text(name, default)
        low, _, high = value.partition("-")
        if not re.fullmatch(r"[0-9]{4,5}-[0-9]{4,5}", value) or not 1024 <= int(low) < int(high) <= 65535:
            raise ConfigError(f"{name} is '{value}': give two ports, for example {default}.")
        return int(low), int(high)

    def url(self, name, schemes):
        value = self.text(name)
        if value and value.split("://")[0] not in schemes or value.endswith("://"):
            # The value may hold a password, so it is not shown.
            raise ConfigError(f"{name} must start with {' or '.join(scheme + '://' for scheme in schemes)}.")
        return value


def _origin(name, value):
    """'scheme://host[:port]' in lower case, the default port left out as browsers do. Raises ConfigError."""
    try:
        parts = urlsplit(value.rstrip("/"))
        port = parts.port
    except ValueError:
        parts = port = None
    if (not parts or parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None
            or parts.path or parts.query or parts.fragment):
        raise ConfigError(f"{name} has '{value}': give scheme, host and port only, for example https://shop.example.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = port in (None, {"http": 80, "https": 443}[parts.scheme])
    return f"{parts.scheme}://{host}" + ("" if default else f":{port}")


def reachable_host(host):
    """The name under which this machine reaches what listens on `host`."""
    if host in ("0.0.0.0", "::", "localhost"):  # noqa: S104 - compared, not listened on
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _allowed_origins(read, env, base_url):
    listed = [part.strip() for part in read.text("ALLOWED_ORIGINS").split(",") if part.strip()]
    if "*" in listed:
        raise ConfigError("ALLOWED_ORIGINS has '*', which lets any page act for a member: list addresses.")
    if not listed:
        listed = [base_url]
        local = urlsplit(base_url)
        if local.hostname == "127.0.0.1" and env != "production":
            listed.append(base_url.replace("127.0.0.1", "localhost"))  # people type either
    origins = tuple(dict.fromkeys(_origin("ALLOWED_ORIGINS", one) for one in listed))
    if base_url not in origins:
        raise ConfigError(f"ALLOWED_ORIGINS lacks {base_url}, the origin of BASE_URL: add it.")
    return origins


def _secret_key(given, data_dir, env):
    """The given key, or the one kept in data_dir/secret_key (0600), made at the first start."""
    if given:
        if len(given) < 32:
            hint = REQUIRED_IN_PRODUCTION["SECRET_KEY"]
            raise ConfigError(f"SECRET_KEY has {len(given)} characters, fewer than 32: {hint}.")
        return given
    path = data_dir / "secret_key"
    if not path.exists():
        fresh = data_dir / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(fresh, path)  # fails when another process was first; its key is the one
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key = path.read_text().strip()
    if len(key) < 32:
        raise ConfigError(f"{path} holds no key: delete it, and a new one is made.")
    return key


def _payout_keys(given):
    """The keys of sealed account numbers, the one that seals first; none: SECRET_KEY does it."""
    keys = tuple(one.strip() for one in given.split(",") if one.strip())
    if any(len(one) < 32 for one in keys):
        raise ConfigError(f"PAYOUT_KEYS has a key of fewer than 32 characters: {REQUIRED_IN_PRODUCTION['SECRET_KEY']}.")
    return keys


def derived(secret_key, purpose):
    """A key for one purpose, which tells nothing of the key it was made from."""
    return hmac.new(secret_key.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _check_together(config):
    """What no single setting can tell."""
    if config.payment_provider == "stripe":
        for name in ("stripe_secret_key", "stripe_webhook_secret"):
            if not getattr(config, name):
                raise ConfigError(f"{name.upper()} is missing and PAYMENT_PROVIDER is stripe: copy it there.")
    if config.video == "mediamtx" and not (config.mediamtx_hls_url and config.mediamtx_ingest_url):
        raise ConfigError("VIDEO is mediamtx: give MEDIAMTX_HLS_URL and MEDIAMTX_INGEST_URL too.")
    local = urlsplit(config.base_url).hostname in ("localhost", "127.0.0.1", "::1")
    if config.production and not config.secure_cookies and not local:
        raise ConfigError(f"BASE_URL is {config.base_url}: in production it must be https, for safe sign-in.")
