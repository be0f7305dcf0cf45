# The program and nothing else: no sources, no compiler, no shell tools of ours, not root.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# As `npm start` installs: native code comes ready-made in packages, so that install scripts are not needed.
RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/generate-tl.mjs && node scripts/build.mjs
# What only the build needs.
RUN rm -rf node_modules/esbuild node_modules/@esbuild dist/bench dist/simulation dist/chaos dist/test

FROM node:22-bookworm-slim
ENV NODE_ENV=production HELIOGRAPH_DATA_DIR=/data
WORKDIR /app
RUN install -d -o node -g node -m 700 /data
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/web/dashboard web/dashboard
# The image's user `node`, by its number, so that whoever runs it can see that it is not root.
USER 1000
VOLUME /data
EXPOSE 4430 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=6 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:'+(process.env.HELIOGRAPH_HTTP_PORT||8080)+'/readyz').then(({ok})=>process.exit(ok?0:1),()=>process.exit(1))"]
CMD ["node", "--max-semi-space-size=64", "--enable-source-maps", "dist/server/main.js"]
