/** The menu of snapshots: those that the browser keeps, and files. */
import { css, html, LitElement } from 'lit';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { Camera, Download, FolderOpen, HardDrive, Trash2, Undo2 } from 'lucide';

import { canKeepFiles } from '../storage/origin-folder.ts';
import type { KeptFile } from '../storage/origin-folder.ts';
import {
  deleteSnapshot,
  listSnapshots,
  loadSnapshot,
  saveSnapshot,
} from '../storage/saved-snapshots.ts';
import { icon } from './icon.ts';
import { theme } from './theme.ts';

/** What the menu works on. */
export interface SnapshotTarget {
  snapshot(): Promise<Uint8Array<ArrayBuffer>>;
  restore(file: Blob): Promise<void>;
}

/** The element; `target` must be set before it is used. */
export class SnapshotMenu extends LitElement {
  static override styles: CSSResultGroup = [
    theme,
    css`
      details {
        position: relative;
      }
      summary {
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      .panel {
        position: absolute;
        z-index: 20;
        inset-inline-end: 0;
        top: calc(100% + 6px);
        width: min(340px, 86vw);
        padding: 8px;
        border: 1px solid var(--rf-line);
        border-radius: calc(var(--rf-radius) + 2px);
        background: var(--rf-background);
        box-shadow: 0 8px 28px rgb(0 0 0 / 18%);
      }
      @media (max-width: 900px) {
        .panel {
          inset-inline: 0 auto;
        }
      }
      .panel > button {
        width: 100%;
      }
      h3 {
        margin: 10px 10px 4px;
        font-size: 12px;
        font-weight: 600;
        color: var(--rf-quiet);
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
        max-height: 240px;
        overflow: auto;
      }
      li {
        display: flex;
        align-items: center;
        gap: 4px;
      }
      li .name {
        flex: 1;
        min-width: 0;
        justify-content: flex-start;
        height: auto;
        padding-block: 5px;
        line-height: 1.3;
      }
      li .name span {
        display: block;
        text-align: start;
      }
      p {
        margin: 4px 10px;
      }
      .bad {
        color: var(--rf-bad);
      }
    `,
  ];
  /** The machine. */
  target: SnapshotTarget | undefined;
  #isReady = false;
  #saved: readonly KeptFile[] = [];
  #note = '';
  #isBad = false;

  /** Says whether there is a machine of which a snapshot can be taken. */
  set ready(ready: boolean) {
    this.#isReady = ready;
    this.requestUpdate();
  }

  override render(): TemplateResult {
    return html`<details @toggle=${() => void this.#refresh()}>
      <summary class="button" role="button">${icon(Camera)} Snapshots</summary>
      <div class="panel">
        <button ?disabled=${!this.#isReady || !canKeepFiles()} @click=${() => void this.#save()}>
          ${icon(HardDrive)} Save in this browser
        </button>
        <button ?disabled=${!this.#isReady} @click=${() => void this.#download()}>
          ${icon(Download)} Save as a file
        </button>
        <button @click=${() => this.renderRoot.querySelector('input')?.click()}>
          ${icon(FolderOpen)} Restore from a file…
        </button>
        <input
          type="file"
          hidden
          accept=".rfs"
          aria-label="Snapshot file"
          @change=${(event: Event) => void this.#open(event.target as HTMLInputElement)}
        />
        <h3>In this browser</h3>
        ${
          this.#saved.length === 0
            ? html`<p class="quiet">
                ${canKeepFiles() ? 'None yet.' : 'This page may not keep files.'}
              </p>`
            : html`<ul>
                ${this.#saved.map((saved) => this.#row(saved))}
              </ul>`
        }
        <p class=${this.#isBad ? 'bad' : 'quiet'} role="status" ?hidden=${this.#note === ''}>
          ${this.#note}
        </p>
      </div>
    </details>`;
  }

  #row({ name, bytes, savedMs }: KeptFile): TemplateResult {
    const when = new Date(savedMs).toLocaleString(undefined, {
      dateStyle: 'medium',
      timeStyle: 'short',
    });
    return html`<li>
      <button class="name" title="Restore" @click=${() => void this.#restore(name)}>
        ${icon(Undo2)}
        <span>${name}<span class="quiet">${when}, ${(bytes / 1e6).toFixed(1)} MB</span></span>
      </button>
      <button class="square" aria-label="Delete ${name}" @click=${() => void this.#delete(name)}>
        ${icon(Trash2)}
      </button>
    </li>`;
  }

  async #save(): Promise<void> {
    await this.#try('Saved.', async () => {
      const bytes = await this.#take();
      await saveSnapshot(`Snapshot ${String(this.#saved.length + 1)}-${timeText()}`, bytes);
      await this.#refresh();
    });
  }

  async #download(): Promise<void> {
    await this.#try('', async () => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([await this.#take()]));
      link.download = `ringfence-${timeText()}.rfs`;
      link.click();
      setTimeout(() => {
        URL.revokeObjectURL(link.href);
      }, 60_000);
    });
  }

  async #open(input: HTMLInputElement): Promise<void> {
    const file = input.files?.[0];
    input.value = '';
    if (file !== undefined) await this.#try('', async () => this.#give(file));
  }

  async #restore(name: string): Promise<void> {
    await this.#try('', async () => this.#give(await loadSnapshot(name)));
  }

  async #delete(name: string): Promise<void> {
    await this.#try('', async () => {
      await deleteSnapshot(name);
      await this.#refresh();
    });
  }

  async #take(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.target === undefined) throw new Error('There is no machine.');
    return this.target.snapshot();
  }

  async #give(file: Blob): Promise<void> {
    await this.target?.restore(file);
    this.renderRoot.querySelector('details')?.removeAttribute('open');
  }

  async #refresh(): Promise<void> {
    this.#saved = await listSnapshots();
    this.requestUpdate();
  }

  async #try(done: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.#note = done;
      this.#isBad = false;
    } catch (error) {
      this.#note = error instanceof Error ? error.message : String(error);
      this.#isBad = true;
    }
    this.requestUpdate();
  }
}

/** The time of day for a name, such as `20260131-142530`. */
function timeText(): string {
  return new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
}
