# Reins in a container: web and worker in one process, data on a volume.
# tests/integration/test_container.py runs these very steps without an engine.
# Not slim: where an architecture has no wheel of a package, it is compiled.
FROM python:3.13 AS build
WORKDIR /src
COPY requirements-uv.lock requirements-build.lock requirements.lock ./
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements-uv.lock \
 && /opt/build/bin/uv pip install --quiet --no-cache --python /opt/build --require-hashes -r requirements-build.lock
RUN /opt/build/bin/uv venv --quiet --python "$(command -v python)" /opt/reins \
 && /opt/build/bin/uv pip install --quiet --no-cache --compile-bytecode --python /opt/reins --require-hashes -r requirements.lock
COPY . .
RUN /opt/build/bin/python -m hatchling build -t wheel -d /src/dist \
 && /opt/build/bin/uv pip install --quiet --no-cache --compile-bytecode --python /opt/reins --no-deps /src/dist/*.whl

FROM python:3.13-slim
COPY --from=build /opt/reins /opt/reins
# A number, since an orchestrator can then see that it is not root.
RUN install -d -o 10001 -g 10001 /srv/reins /srv/reins/data
ENV PATH=/opt/reins/bin:$PATH \
    HOME=/srv/reins \
    PYTHONUNBUFFERED=1 \
    REINS_DATA=/srv/reins/data \
    REINS_HOST=0.0.0.0 \
    REINS_PORT=8700
USER 10001:10001
# Agent types, models.toml and .env are read here, if they are mounted.
WORKDIR /srv/reins
VOLUME /srv/reins/data
EXPOSE 8700
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"REINS_PORT\"]}/health/live', timeout=4)"]
ENTRYPOINT ["reins"]
CMD ["run"]
