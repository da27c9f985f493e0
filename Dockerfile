# The bot as a container image; docs/container.md says how to run it. The function app is not in it.
# No secret is built in: they come with the environment when it is started.
FROM python:3.13-slim

ENV HOME=/tmp \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app

COPY requirements/bot.txt requirements/
RUN python -m pip install --require-hashes --only-binary :all: -r requirements/bot.txt

# Of `ml` the bot sees the contract only.
COPY bot/ bot/
COPY ml/__init__.py ml/contract.py ml/
COPY toban.toml ./

# What the bot remembers. A volume for it must be a disk: on a network file system (SMB, NFS, Azure Files) SQLite
# loses data and the bot refuses to start; use PostgreSQL there.
RUN install -d -o 10001 -g 10001 /data
ENV TOBAN_DATABASE_URL=sqlite:////data/bot.sqlite3
VOLUME ["/data"]

USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "bot", "health"]
STOPSIGNAL SIGTERM

ENTRYPOINT ["python", "-m", "bot"]
# Socket Mode; over HTTP: up --http 0.0.0.0:3000
CMD ["up", "--health", "0.0.0.0:3000"]
