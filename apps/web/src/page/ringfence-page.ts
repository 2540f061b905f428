/** The page: what the machine is made from, the machine itself, and a place to drop files. */
import { html, LitElement } from 'lit';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { Eraser, FilePlus2, Moon, Sun, SunMoon, X } from 'lucide';
import { defaultSettings } from '@ringfence/machine';
import type { Settings } from '@ringfence/machine';

import { icon } from '../element/icon.ts';
import type { RingfenceMachine } from '../element/ringfence-machine.ts';
import { filesOf, writableDisks } from '../element/settings-of-attributes.ts';
import { theme } from '../element/theme.ts';
import { fileRole } from '../storage/file-kind.ts';
import type { FileRole } from '../storage/file-kind.ts';
import { settingsOfUrl } from '../url-settings.ts';
import type { MachineFiles } from '../worker/messages.ts';
import { pageStyles } from './page-styles.ts';

/** Words for what files are. */
const roleNames: Readonly<Record<string, string>> = {
  kernel: 'Kernel',
  initrd: 'Initial RAM disk',
  bios: 'BIOS',
  fda: 'Floppy',
  cdrom: 'CD',
  hda: 'Disk',
};

/** Memory sizes to choose from, in MiB. */
const memorySizes: readonly number[] = [16, 32, 64, 128, 256, 512, 1024];

const schemes = ['light dark', 'light', 'dark'] as const;
const schemeKey = 'ringfence-colour-scheme';
const keepKey = 'ringfence-keep-disks';

/** The element that is the whole page. */
export class RingfencePage extends LitElement {
  static override styles: CSSResultGroup = [theme, pageStyles];
  #settings: Settings = defaultSettings;
  #files: MachineFiles = {};
  #isOver = false;
  #scheme: (typeof schemes)[number] = 'light dark';

  override connectedCallback(): void {
    super.connectedCallback();
    const kept = localStorage.getItem(schemeKey);
    this.#setScheme(schemes.find((scheme) => scheme === kept) ?? 'light dark');
    this.addEventListener('dragover', (event) => {
      event.preventDefault();
      this.#over(true);
    });
    this.addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) this.#over(false);
    });
    this.addEventListener('drop', (event) => {
      event.preventDefault();
      this.#over(false);
      void this.#take([...(event.dataTransfer?.files ?? [])]);
    });
  }

  override firstUpdated(): void {
    try {
      const keepDisks = localStorage.getItem(keepKey) === 'on' ? 'on' : 'off';
      this.#settings = { keepDisks, ...settingsOfUrl(location.search) };
      this.#files = filesOf(this.#settings, location.href);
      void this.#boot();
    } catch (error) {
      this.#machine?.say(error instanceof Error ? error.message : String(error));
    }
  }

  override render(): TemplateResult {
    const pictures = { 'light dark': SunMoon, light: Sun, dark: Moon };
    const schemeName = { 'light dark': 'as the system', light: 'light', dark: 'dark' };
    return html`<header>
        <h1>${logo} Ringfence</h1>
        <div class="machine" aria-label="What the machine is made from">${this.#parts()}</div>
        <label class="quiet">
          Memory
          <select
            @change=${(event: Event) => {
              const mebibytes = Number((event.target as HTMLSelectElement).value);
              this.#settings = { ...this.#settings, memory: mebibytes * 2 ** 20 };
              void this.#boot();
            }}
          >
            ${this.#memorySizes().map(
              (size) =>
                html`<option value=${size} ?selected=${size === this.#settings.memory / 2 ** 20}>
                  ${size} MiB
                </option>`,
            )}
          </select>
        </label>
        ${this.#hasDisk() ? this.#keepControl() : ''}
        <button @click=${() => this.renderRoot.querySelector<HTMLElement>('[type=file]')?.click()}>
          ${icon(FilePlus2)} Open files…
        </button>
        <input
          type="file"
          multiple
          hidden
          aria-label="Files for the machine"
          @change=${(event: Event) => {
            const input = event.target as HTMLInputElement;
            void this.#take([...(input.files ?? [])]);
            input.value = '';
          }}
        />
        <button
          class="square"
          aria-label="Colours: ${schemeName[this.#scheme]}"
          title="Colours: ${schemeName[this.#scheme]}"
          @click=${() => this.#nextScheme()}
        >
          ${icon(pictures[this.#scheme])}
        </button>
      </header>
      <ringfence-machine></ringfence-machine>
      <div class="drop" ?hidden=${!this.#isOver}>
        <div>Drop kernels, RAM disks, CDs, floppies, disks or a snapshot</div>
      </div>`;
  }

  get #machine(): RingfenceMachine | null {
    return this.renderRoot.querySelector('ringfence-machine');
  }

  #hasDisk(): boolean {
    return this.#settings.drive.length > 0 || writableDisks.some((name) => name in this.#files);
  }

  /** Whether the browser keeps what guests write to disks, and how to begin anew. */
  #keepControl(): TemplateResult {
    const isKept = this.#settings.keepDisks === 'on';
    return html`<label class="quiet" title="What the guest writes to its disks">
        <input
          type="checkbox"
          .checked=${isKept}
          @change=${(event: Event) => {
            const keepDisks = (event.target as HTMLInputElement).checked ? 'on' : 'off';
            localStorage.setItem(keepKey, keepDisks);
            this.#settings = { ...this.#settings, keepDisks };
            void this.#boot();
          }}
        />
        Keep disk changes
      </label>
      <button
        class="square"
        aria-label="Forget what was written to these disks, and start again"
        title="Forget what was written to these disks, and start again"
        ?hidden=${!isKept}
        @click=${() => void this.#boot({ forgetDisks: true })}
      >
        ${icon(Eraser)}
      </button>`;
  }

  #memorySizes(): readonly number[] {
    const size = this.#settings.memory / 2 ** 20;
    return memorySizes.includes(size) ? memorySizes : [size, ...memorySizes];
  }

  #parts(): TemplateResult {
    const names = Object.keys(this.#files);
    if (names.length === 0) return html`<span class="quiet">Built-in guest</span>`;
    return html`${names.map((name) => {
        const source = this.#files[name];
        const file =
          source instanceof File ? source.name : String(source).replace(/^.*\/|\?.*$/g, '');
        return html`<span class="part" title=${file}>
          <span class="quiet">${roleNames[name] ?? name}</span> ${file}
        </span>`;
      })}
      <button
        class="square"
        aria-label="Take everything out: back to the built-in guest"
        title="Back to the built-in guest"
        @click=${() => {
          const { kernel: _kernel, initrd: _initrd, bios: _bios, ...rest } = this.#settings;
          const { fda: _fda, hda: _hda, cdrom: _cdrom, ...settings } = rest;
          this.#settings = { ...settings, append: '' };
          this.#files = {};
          void this.#boot();
        }}
      >
        ${icon(X)}
      </button>`;
  }

  /** Puts files into the machine, by what they are, and starts it again. */
  async #take(files: readonly File[]): Promise<void> {
    let hasOther = false;
    for (const file of files) {
      const role: FileRole = await fileRole(file);
      if (role === 'snapshot') {
        await this.#machine?.restore(file).catch(() => undefined);
        return;
      }
      this.#files = { ...this.#files, [role]: file };
      this.#settings = { ...this.#settings, [role]: file.name };
      hasOther = true;
    }
    if (!hasOther) return;
    // A Linux kernel says nothing on the serial line unless it is told to.
    if (this.#files['kernel'] !== undefined && this.#settings.append === '') {
      this.#settings = { ...this.#settings, append: 'console=ttyS0' };
    }
    await this.#boot();
  }

  async #boot(options: { readonly forgetDisks?: boolean } = {}): Promise<void> {
    this.requestUpdate();
    const machine = this.#machine;
    if (machine === null) return;
    try {
      await machine.boot(this.#settings, this.#files, options);
      machine.view = this.#hasScreen() ? 'screen' : 'serial';
    } catch {
      // The element shows what went wrong.
    }
  }

  /** Firmware talks to the screen; the built-in guest and kernels to the serial line. */
  #hasScreen(): boolean {
    const { kernel } = this.#files;
    return kernel === undefined && Object.keys(this.#files).length > 0;
  }

  #over(isOver: boolean): void {
    if (isOver === this.#isOver) return;
    this.#isOver = isOver;
    this.requestUpdate();
  }

  #nextScheme(): void {
    const index = schemes.indexOf(this.#scheme);
    this.#setScheme(schemes[(index + 1) % schemes.length] ?? 'light dark');
    localStorage.setItem(schemeKey, this.#scheme);
  }

  #setScheme(scheme: (typeof schemes)[number]): void {
    this.#scheme = scheme;
    document.documentElement.style.colorScheme = scheme;
    this.#machine?.restyle();
    this.requestUpdate();
  }
}

const logo = html`<svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
  <circle cx="16" cy="16" r="5" />
  <circle cx="16" cy="16" r="12.5" stroke-dasharray="15.6 4" stroke-dashoffset="-2" />
</svg>`;
