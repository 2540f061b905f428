/** Debian's Chromium, driven by playwright-core, on a page that is served on loopback. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';

/** Where Debian's package `chromium` and others put the program. */
const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** What keeps a browser from going to the network, or wanting a display. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const root = fileURLToPath(new URL('..', import.meta.url));

/** Path of the browser; undefined if there is none. */
export const browserPath: string | undefined =
  process.env['CHROMIUM'] ?? places.find((place) => existsSync(place));

/**
 * Starts the browser.
 *
 * Without one the tests fail: they are the only ones that see the page.
 */
export async function startBrowser(): Promise<Browser> {
  if (browserPath === undefined) {
    throw new Error(`no browser: apt-get install chromium (looked for ${places.join(', ')})`);
  }
  return chromium.launch({ executablePath: browserPath, args: flags });
}

/** Builds the page once per process. */
let built: Promise<unknown> | undefined;
export function buildPage(): Promise<unknown> {
  built ??= build({ root, logLevel: 'error' });
  return built;
}

/** A server of plain files on loopback, as any static host would be. */
export interface PageServer {
  /** The address of the page, with a slash at its end. */
  readonly address: string;
  close(): void;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** Serves the built page under `/some/folder/`, and `files` beside it by their names. */
export async function servePage(files: Readonly<Record<string, string>> = {}): Promise<PageServer> {
  await buildPage();
  const prefix = '/some/folder/';
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname);
    const name = path.startsWith(prefix) ? normalize(path.slice(prefix.length)) : '..';
    const file = files[name] ?? join(root, 'dist', name === '.' ? 'index.html' : name);
    if (name.startsWith('..') || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    const body = readFileSync(file);
    response.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-length': body.length,
    });
    response.end(body);
  });
  await listen(server);
  const { port } = server.address() as AddressInfo; // A listening server has one.
  return {
    address: `http://127.0.0.1:${String(port)}${prefix}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The browser and the page of the tests of a file. */
export interface BrowserAndPage {
  readonly browser: Browser;
  readonly server: PageServer;
}

/** Has both while a file's tests run; before the first one they are not to be asked for. */
export function browserAndPage(): BrowserAndPage {
  let both: BrowserAndPage | undefined;
  const get = (): BrowserAndPage => {
    if (both === undefined) throw new Error('no test has begun');
    return both;
  };
  beforeAll(async () => {
    const server = await servePage();
    both = { server, browser: await startBrowser() };
  }, 120_000);
  afterAll(async () => {
    await both?.browser.close();
    both?.server.close();
  });
  return {
    get browser() {
      return get().browser;
    },
    get server() {
      return get().server;
    },
  };
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
}
