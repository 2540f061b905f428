/** The panel that shows what the hypervisor does while it does it. */
import { html, LitElement } from 'lit';
import type { CSSResultGroup, TemplateResult } from 'lit';
import type { DescriptorTables, PageRow, RegionSummary } from '@ringfence/machine';

import { theme } from '../element/theme.ts';
import type { MachineClient } from '../machine-client.ts';
import type { RegionTexts } from '../worker/messages.ts';
import { codeView } from './code-view.ts';
import { descriptorView } from './descriptor-view.ts';
import { exitView } from './exit-view.ts';
import { inspectorStyles } from './inspector-styles.ts';
import { pageView } from './page-view.ts';
import { RateHistory } from './rate-history.ts';

const tabs = [
  ['exits', 'Exits'],
  ['code', 'Code'],
  ['pages', 'Pages'],
  ['descriptors', 'Descriptors'],
] as const;

type Tab = (typeof tabs)[number][0];

/** Time between two looks, in milliseconds. */
const lookMs = 1000;

/** Regions and pages that are shown at a time. */
const shownRegions = 40;
const shownPages = 64;

/** The element `<rf-inspector>`; `client` says which machine it looks into. */
export class InspectorPanel extends LitElement {
  static override styles: CSSResultGroup = [theme, inspectorStyles];
  /** The machine. */
  client: MachineClient | undefined;
  readonly #exits = new RateHistory();
  readonly #invalidations = new RateHistory();
  #tab: Tab = 'exits';
  #timer: ReturnType<typeof setInterval> | undefined;
  #regions: readonly RegionSummary[] = [];
  #chosen = 0;
  #texts: RegionTexts | null = null;
  /** The first page that is shown; until somebody chooses one, that of the next instruction. */
  #linear = -1;
  #pages: readonly PageRow[] = [];
  #descriptors: DescriptorTables | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => void this.#look(), lookMs);
    void this.#look();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  override render(): TemplateResult {
    return html`<section aria-label="Inspector">
      <div class="tabs" role="tablist" aria-label="Inspector">
        ${tabs.map(
          ([name, label]) =>
            html`<button
              role="tab"
              aria-selected=${this.#tab === name}
              aria-controls="panel"
              @click=${() => this.#open(name)}
            >
              ${label}
            </button>`,
        )}
      </div>
      <div id="panel" role="tabpanel" tabindex="0" aria-label=${this.#tab}>${this.#content()}</div>
    </section>`;
  }

  #content(): TemplateResult {
    switch (this.#tab) {
      case 'exits':
        return exitView(this.#exits, this.#invalidations);
      case 'code':
        return codeView(this.#regions, this.#chosen, this.#texts, (id) => {
          this.#chosen = id;
          this.#texts = null;
          void this.#look();
        });
      case 'pages':
        // What is typed before the machine has said where it is would be overwritten then.
        if (this.#linear < 0) return html`<p>The machine has not answered yet.</p>`;
        return pageView(this.#linear, this.#pages, shownPages, (linear) => {
          this.#linear = linear;
          void this.#look();
        });
      case 'descriptors':
        return descriptorView(this.#descriptors);
    }
  }

  #open(tab: Tab): void {
    this.#tab = tab;
    this.requestUpdate();
    void this.#look();
  }

  async #look(): Promise<void> {
    const { client } = this;
    if (client === undefined) return;
    try {
      const stats = await client.stats();
      this.#exits.add(stats.seconds.total, stats.exits);
      this.#invalidations.add(stats.seconds.total, stats.translations.invalidations);
      if (this.#tab === 'code') await this.#lookAtCode(client);
      if (this.#tab === 'pages') {
        const pointer = this.#linear < 0 ? await client.call('pointer', null) : 0;
        // Somebody may have chosen a page while the machine was asked, here or in an earlier look.
        if (this.#linear < 0) this.#linear = (pointer & ~0xfff) >>> 0;
        this.#pages = await client.call('pages', { linear: this.#linear, count: shownPages });
      }
      if (this.#tab === 'descriptors') {
        this.#descriptors = await client.call('descriptors', null);
      }
    } catch {
      // There is no machine, or not yet: the panel goes on to show what it knows.
    }
    this.requestUpdate();
  }

  async #lookAtCode(client: MachineClient): Promise<void> {
    this.#regions = await client.call('regions', shownRegions);
    const isThere = this.#regions.some(({ id }) => id === this.#chosen);
    if (!isThere) {
      this.#chosen = this.#regions[0]?.id ?? 0;
      this.#texts = null;
    }
    if (this.#chosen !== 0) this.#texts ??= await client.call('region', this.#chosen);
  }
}
