# The collector in a container: not root, with a read-only root file system, and the lake in the volume /lake.
# docs/deploying.md says how to build and run it. Any base with Python 3.11 or newer and its venv module will do.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
COPY pyproject.toml hatch_build.py constraints.txt README.md LICENSE ./
COPY collector collector
COPY sql sql
# .git is not here: `collector --version` says what is given as COMMIT.
ARG COMMIT=""
RUN python3 -m venv /opt/collector \
    && BUILD_COMMIT="$COMMIT" /opt/collector/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --constraint constraints.txt '.[report]' \
    && /opt/collector/bin/python -m pip uninstall --quiet --yes --disable-pip-version-check pip

FROM ${BASE}
RUN groupadd --gid 10001 collector \
    && useradd --uid 10001 --gid collector --no-create-home --home-dir /tmp --shell /usr/sbin/nologin collector \
    && install -d -o collector -g collector -m 0750 /lake
COPY --from=build /opt/collector /opt/collector
ENV PATH=/opt/collector/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    COLLECTOR_LAKE=/lake
USER 10001:10001
WORKDIR /tmp
VOLUME /lake
# Healthy is a fresh run, complete (0) or partial (1).
HEALTHCHECK --interval=15m --timeout=1m --start-period=6h \
    CMD collector status --max-age 26h > /dev/null || [ $? -eq 1 ]
ENTRYPOINT ["collector"]
CMD ["collect", "--log-format", "json"]
