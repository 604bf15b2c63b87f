FROM python:3.11-slim AS build
WORKDIR /opt/wayside
COPY . .
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir .

FROM python:3.11-slim
RUN useradd --system --home-dir /var/lib/wayside --create-home wayside
COPY --from=build /opt/wayside/.venv /opt/wayside/.venv
COPY --from=build /opt/wayside/examples /opt/wayside/examples
USER wayside
ENV WAYSIDE_HOME=/var/lib/wayside WAYSIDE_HOST=0.0.0.0 WAYSIDE_DEMO_PORT=8001 PATH=/opt/wayside/.venv/bin:$PATH
VOLUME /var/lib/wayside
# 8001: the test phone and the sick feeds of a demo or a replay. docker run -p 8000:8000 -p 8001:8001 …
EXPOSE 8000 8001
ENTRYPOINT ["wayside"]
CMD ["demo"]
