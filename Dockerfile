# The server's image. `npm run image FOLDER` prepares the context: the built server, its dependencies
# without those of development, and a list of them. Nothing runs here, so that it needs no network, and
# builds for other architectures need no emulation:
#
#   npm run image -- build/image
#   docker buildx build --platform linux/amd64,linux/arm64 --sbom=true --provenance=true \
#     --tag REGISTRY/substratus:0.2.0 --push build/image
ARG BASE=docker.io/library/node:24-slim
FROM ${BASE}

ARG VERSION=0.2.0
ARG REVISION=
LABEL org.opencontainers.image.title="Substratus on Metacontroller" \
      org.opencontainers.image.description="Answers Metacontroller's hooks and the API server's admission reviews." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Node, where the base has none: `npm run image -- FOLDER --with-node` puts it there.
COPY bin/ /usr/local/bin/
COPY app/ /app/

WORKDIR /app
ENV NODE_ENV=production
# Any uid works: nothing is written.
USER 1000:1000
EXPOSE 9443
# The heap follows the memory limit of the container, whatever it is.
ENTRYPOINT ["node", "--max-old-space-size-percentage=75", "dist/cli/main.js"]
CMD ["--help"]
