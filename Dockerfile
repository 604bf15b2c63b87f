FROM python:3.11-slim AS build
WORKDIR /opt/wayside
COPY . .
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir .

FROM python:3.11-slim
RUN useradd --system --home-dir /var/lib/wayside --create-home wayside
COPY --from=build /opt/wayside/.venv /opt/wayside/.venv
COPY --from=build /opt/wayside/examples /opt/wayside/examples
USER wayside
ENV WAYSIDE_HOME=/var/lib/wayside WAYSIDE_HOST=0.0.0.0 PATH=/opt/wayside/.venv/bin:$PATH
VOLUME /var/lib/wayside
EXPOSE 8000
ENTRYPOINT ["wayside"]
CMD ["demo"]
