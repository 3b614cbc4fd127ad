# The images of all services. scripts/build-image.sh makes the context (node, debian, modules, app) and runs this:
#   scripts/build-image.sh gateway
# There is no RUN: nothing needs a network here, and nothing of another architecture is executed. Layers from what
# changes seldom to what changes often: base, node, packages of others, our sources. The script keeps the images up to
# the packages (SERVICE-modules), so that a changed line costs one step. Labels that depend on the build (version, revision, base) are given by the script.
ARG BASE_IMAGE=docker.io/library/debian:13-slim

FROM ${BASE_IMAGE} AS runtime
COPY node/ /usr/local/
WORKDIR /app
ENV NODE_ENV=production
# Numbers, so that a cluster can see that it is not root. Files belong to root: the service cannot change them.
USER 10001:10001
LABEL org.opencontainers.image.source=https://github.com/sekisho/sekisho \
      org.opencontainers.image.licenses=Apache-2.0

FROM runtime AS gateway-modules
LABEL org.opencontainers.image.title="Sekisho gateway" \
      org.opencontainers.image.description="The door in front of an unmodified Misskey: media, limits, cache."
EXPOSE 8080 9090
ENTRYPOINT ["/usr/local/bin/node", "/app/services/gateway/src/main.ts"]
COPY modules/ /app/

FROM gateway-modules AS gateway
COPY app/ /app/

FROM runtime AS fetcher-modules
LABEL org.opencontainers.image.title="Sekisho fetcher" \
      org.opencontainers.image.description="The only opener of connections whose target a stranger chose."
EXPOSE 8081 9090
ENTRYPOINT ["/usr/local/bin/node", "/app/services/fetcher/src/main.ts"]
COPY modules/ /app/

FROM fetcher-modules AS fetcher
COPY app/ /app/

FROM runtime AS egress-proxy-modules
LABEL org.opencontainers.image.title="Sekisho egress-proxy" \
      org.opencontainers.image.description="CONNECT proxy for what Misskey itself asks for: public names, public addresses, TLS."
EXPOSE 3128 9090
ENTRYPOINT ["/usr/local/bin/node", "/app/services/egress-proxy/src/main.ts"]
COPY modules/ /app/

FROM egress-proxy-modules AS egress-proxy
COPY app/ /app/

FROM runtime AS dns-filter-modules
LABEL org.opencontainers.image.title="Sekisho dns-filter" \
      org.opencontainers.image.description="Unbound that refuses every answer with an address that is not public."
EXPOSE 9094
ENTRYPOINT ["/usr/local/bin/node", "/app/services/dns-filter/src/main.ts"]
# Debian's Unbound and its libraries.
COPY debian/ /
COPY modules/ /app/

FROM dns-filter-modules AS dns-filter
COPY app/ /app/

FROM runtime AS image-worker-modules
# What its decoders need to be walled in is in the image: a kernel that lacks it must be noticed, not lived with.
ENV SEKISHO_SANDBOX=require
LABEL org.opencontainers.image.title="Sekisho image-worker" \
      org.opencontainers.image.description="Decodes and encodes pictures in child processes."
EXPOSE 9090
ENTRYPOINT ["/usr/local/bin/node", "/app/services/image-worker/src/main.ts"]
COPY modules/ /app/

FROM image-worker-modules AS image-worker
COPY app/ /app/
