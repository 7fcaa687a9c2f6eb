"""Settings: defaults that work, refusals in one line that say what and how, and a key that is made once."""
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import ConfigError, load, read_env_file

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "APP_ENV": "production", "SECRET_KEY": "k" * 40, "DATABASE_URL": "postgresql://u:p@db/shop",
    "REDIS_URL": "redis://redis:6379/0", "BASE_URL": "https://shop.example",
    "ALLOWED_ORIGINS": "https://shop.example", "PAYMENT_PROVIDER": "sandbox",
}


@pytest.fixture
def settings(tmp_path):
    def settings(**values):
        return load({"DATA_DIR": str(tmp_path / "var"), **values}, env_file=None)
    return settings


def refusal(settings, **values):
    with pytest.raises(ConfigError) as caught:
        settings(**values)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_with_nothing_set_development_has_all_it_needs(settings):
    config = settings()
    assert (config.env, config.host, config.port, config.web) == ("development", "127.0.0.1", 8000, 1)
    assert config.demo is True
    assert config.base_url == "http://127.0.0.1:8000"
    assert config.allowed_origins == ("http://127.0.0.1:8000", "http://localhost:8000")
    assert config.payment_provider == "sandbox"
    assert not config.secure_cookies
    assert stat.S_IMODE(config.data_dir.stat().st_mode) == 0o700


def test_the_secret_key_is_made_once_and_kept_to_its_owner(settings):
    config = settings()
    path = config.data_dir / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(config.secret_key) >= 48
    assert settings().secret_key == config.secret_key
    assert settings().sandbox_webhook_secret == config.sandbox_webhook_secret != config.secret_key
    assert sorted(one.name for one in config.data_dir.iterdir()) == ["secret_key"]


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    program = "from core.config import load; print(load(env_file=None).secret_key)"
    env = {"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path / "var")}
    started = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
               for _ in range(6)]
    keys = {process.communicate(timeout=60)[0] for process in started}
    assert len(keys) == 1
    assert len(keys.pop().strip()) >= 48


def test_an_existing_data_folder_keeps_its_mode(settings, tmp_path):
    (tmp_path / "var").mkdir()
    (tmp_path / "var").chmod(0o755)
    settings()
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o755


@pytest.mark.parametrize("missing", [name for name in PRODUCTION if name != "APP_ENV"])
def test_production_does_not_start_without_what_guards_money_and_data(settings, missing):
    assert settings(**PRODUCTION).production
    text = refusal(settings, **{**PRODUCTION, missing: ""})
    assert text.startswith(f"{missing} is missing and APP_ENV is production: ")


def test_production_never_seeds_a_demo_unless_told(settings):
    assert settings(**PRODUCTION).demo is False
    assert settings(**PRODUCTION, DEMO="1").demo is True
    # A developer's own database is not to be filled unasked either.
    assert settings(DATABASE_URL="postgresql://u@db/x").demo is False


def test_production_cookies_travel_over_https_only(settings):
    assert settings(**PRODUCTION).secure_cookies
    text = refusal(settings, **{**PRODUCTION, "BASE_URL": "http://shop.example", "ALLOWED_ORIGINS": "http://shop.example"})
    assert "must be https" in text
    local = {"BASE_URL": "http://localhost:8080", "ALLOWED_ORIGINS": "http://localhost:8080"}
    assert settings(**{**PRODUCTION, **local}).base_url == "http://localhost:8080"


@pytest.mark.parametrize(("name", "value", "says"), [
    ("APP_ENV", "prod", "give one of development, production, test"),
    ("PORT", "80a", "give a whole number from 1 to 65535"),
    ("PORT", "0", "from 1 to 65535"),
    ("PORT", "99999999999999999999", "from 1 to 65535"),
    ("WEB", "-1", "from 1 to 64"),
    ("WEB", "٣", "from 1 to 64"),
    ("DB_POOL_SIZE", "1.5", "whole number"),
    ("DEMO", "maybe", "give 1 or 0"),
    ("DATABASE_URL", "mysql://u:hunter2@db/x", "must start with postgresql://"),
    ("DATABASE_URL", "postgresql://", "must start with"),
    ("REDIS_URL", "unix:///tmp/redis.sock", "must start with redis:// or rediss://"),
    ("REDIS_URL", "localhost:6379", "must start with redis://"),
    ("BASE_URL", "shop.example", "give scheme, host and port only"),
    ("BASE_URL", "https://shop.example/path", "give scheme, host and port only"),
    ("BASE_URL", "https://user@shop.example", "give scheme, host and port only"),
    ("BASE_URL", "http://shop:port", "give scheme, host and port only"),
    ("ALLOWED_ORIGINS", "*", "list addresses"),
    ("ALLOWED_ORIGINS", "http://127.0.0.1:8000,*", "list addresses"),
    ("ALLOWED_ORIGINS", "https://elsewhere.example", "lacks http://127.0.0.1:8000"),
    ("PAYMENT_PROVIDER", "paypal", "give one of sandbox, stripe"),
    ("PAYMENT_PROVIDER", "stripe", "STRIPE_SECRET_KEY is missing"),
    ("SECRET_KEY", "short", "fewer than 32"),
    ("SMTP_URL", "mail.example:25", "must start with smtp:// or smtps://"),
    ("MAIL_FROM", "a@b\nBcc: all", "line break"),
    ("DEFAULT_LANGUAGE", "de", "give one of en, zh"),
    ("LOG_LEVEL", "loud", "give one of debug, info, warning, error"),
    ("TRUSTED_PROXIES", "-1", "from 0 to 8"),
])
def test_a_wrong_value_is_refused_in_one_line_that_says_how(settings, name, value, says):
    text = refusal(settings, **{name: value})
    assert says in text
    assert text.startswith((name, "STRIPE_SECRET_KEY"))
    assert "hunter2" not in text


def test_addresses_are_compared_as_browsers_write_them(settings):
    config = settings(BASE_URL="HTTPS://Shop.Example:443/", ALLOWED_ORIGINS="https://shop.example, https://cdn.example:8443")
    assert config.base_url == "https://shop.example"
    assert config.allowed_origins == ("https://shop.example", "https://cdn.example:8443")
    assert settings(HOST="0.0.0.0", PORT="9000").base_url == "http://127.0.0.1:9000"


def test_every_name_for_postgresql_becomes_the_one_that_sqlalchemy_knows(settings):
    for scheme in "postgres", "postgresql", "postgresql+psycopg":
        assert settings(DATABASE_URL=f"{scheme}://u:p@db/x").database_url == "postgresql://u:p@db/x"


def test_secrets_are_not_in_the_text_of_the_settings(settings):
    text = repr(settings(**{**PRODUCTION, "METRICS_TOKEN": "metrics-token"}))
    for secret in "kkkk", "u:p@db", "redis:6379", "metrics-token":
        assert secret not in text


def test_the_env_file_is_read_and_the_environment_wins(tmp_path):
    file = tmp_path / ".env"
    file.write_text("# a comment\n\nPORT=9001\nexport WEB = 2\n"
                    "MAIL_FROM=\"Shop <shop@example.org>\"\nMETRICS_TOKEN='a # b'\n")
    assert read_env_file(file) == {"PORT": "9001", "WEB": "2", "MAIL_FROM": "Shop <shop@example.org>",
                                   "METRICS_TOKEN": "a # b"}
    config = load({"DATA_DIR": str(tmp_path / "var"), "WEB": "3"}, env_file=file)
    assert (config.port, config.web, config.mail_from) == (9001, 3, "Shop <shop@example.org>")
    under_test = load({"DATA_DIR": str(tmp_path / "var"), "APP_ENV": "test"}, env_file=file)
    assert under_test.port == 8000


def test_a_broken_line_of_the_env_file_is_named(tmp_path):
    file = tmp_path / ".env"
    file.write_text("PORT=9001\nnot a setting\n")
    with pytest.raises(ConfigError, match="line 2: write NAME=value"):
        load({"DATA_DIR": str(tmp_path / "var")}, env_file=file)


def test_the_example_names_every_setting_and_no_other():
    source = (ROOT / "core/config.py").read_text()
    read = set(re.findall(r'read\.\w+\("([A-Z_]+)"', source))
    listed = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    assert read == listed


def test_the_command_line_prints_the_line_and_ends_with_2(tmp_path):
    done = subprocess.run([sys.executable, "app.py"], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "PORT": "nowhere", "DATA_DIR": str(tmp_path / "var")})
    assert done.returncode == 2
    assert done.stderr == "PORT is 'nowhere': give a whole number from 1 to 65535.\n"
    assert done.stdout == ""


def test_the_container_files_set_only_what_is_read_and_all_that_production_needs():
    compose = (ROOT / "compose.yaml").read_text()
    block = compose[compose.index("environment: &settings"):compose.index("depends_on: &needs")]
    set_there = set(re.findall(r"^ {4}([A-Z_]+):", block, re.M)) | set(
        re.findall(r"\b([A-Z_]+)=", (ROOT / "Dockerfile").read_text().split("ENV ", 1)[1].split("\nRUN")[0]))
    read = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    of_python = {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK"}
    assert set_there - of_python <= read
    assert set(PRODUCTION) <= set_there
    left_out = {name for name in read - set_there if not name.startswith(("DEMO", "FLV_", "JANUS", "RTMP_", "VIDEO_"))}
    assert left_out == {"FAILPOINTS", "STRIPE_API_BASE", "WEB", "WEB_PROXY"}  # of tests, and of one machine
