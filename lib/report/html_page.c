/* The frame of a page: style, script, and a policy under which nothing but that script runs and nothing is loaded. */
#include "base/sha256.h"
#include "report/html.h"

static const char style[] =
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#59636e;--line:#d1d9e0;--soft:#f6f8fa;--blue:#0969da;--good:#1a7f37;--bad:#cf222e;--warn:#9a6700}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--line:#3d444d;--soft:#151b23;--blue:#4493f8;--good:#3fb950;--bad:#f85149;--warn:#d29922}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--fg);font:14px/1.45 system-ui,sans-serif}\n"
    "main{max-width:1500px;margin:0 auto;padding:16px}\n"
    "h1{font-size:22px;margin:8px 0}h2{font-size:17px;margin:28px 0 8px}\n"
    "a{color:var(--blue)}.dim{color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 12px;margin:4px 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere;unicode-bidi:isolate}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:8px;margin:12px 0}.tile{border:1px solid var(--line);border-radius:6px;background:var(--soft);padding:8px 14px}\n"
    ".tile b{display:block;font-size:20px;font-variant-numeric:tabular-nums}.tile span{color:var(--dim)}\n"
    ".wrap{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{padding:4px 8px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;unicode-bidi:isolate}\n"
    "th{background:var(--soft);white-space:nowrap;position:sticky;top:0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}th[aria-sort=ascending] button::after{content:\" \\2191\"}th[aria-sort=descending] button::after{content:\" \\2193\"}\n"
    "td.op{max-width:560px;overflow-wrap:anywhere}td.op .dim{font-size:12px}summary{cursor:pointer}details[open]{padding-bottom:6px}\n"
    ".tools{display:none;gap:8px;flex-wrap:wrap;margin:8px 0;align-items:center}.js .tools{display:flex}input,select{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:4px 8px}input{min-width:260px}\n"
    "svg{display:block}svg text{fill:var(--dim);font:11px system-ui,sans-serif}.bar{fill:var(--blue)}.axis{stroke:var(--line);fill:none}.mid{stroke:var(--bad);fill:none}.box{fill:none;stroke:var(--blue)}.dot{fill:var(--blue);fill-opacity:.55}\n"
    ".share{display:inline-block;height:8px;background:var(--blue);border-radius:2px;margin-left:6px;vertical-align:middle}\n"
    "code{font:12px ui-monospace,monospace;overflow-wrap:anywhere}@media print{.tools{display:none!important}th{position:static}}\n";

/* Sorting keeps the order of equals, and puts cells without a value last either way. */
static const char script[] =
    "\"use strict\";\n"
    "document.documentElement.classList.add(\"js\");\n"
    "for (const box of document.querySelectorAll(\"section.list\")) {\n"
    "  const table = box.querySelector(\"table\"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];\n"
    "  const text = box.querySelector(\"input\"), choice = box.querySelector(\"select\"), shown = box.querySelector(\"output\");\n"
    "  const all = [...body.rows], words = new Map();\n"
    "  const value = (row, i, number) => {\n"
    "    const cell = row.cells[i], v = cell.dataset.v ?? cell.textContent.trim();\n"
    "    return number ? (v === \"\" ? NaN : Number(v)) : v;\n"
    "  };\n"
    "  const sort = (i, down) => {\n"
    "    const number = heads[i].dataset.sort === \"n\", keys = new Map(all.map(row => [row, value(row, i, number)]));\n"
    "    const order = new Intl.Collator(undefined, {numeric: true});\n"
    "    all.sort((a, b) => {\n"
    "      const x = keys.get(a), y = keys.get(b);\n"
    "      if (number && (Number.isNaN(x) || Number.isNaN(y))) return Number.isNaN(x) - Number.isNaN(y);\n"
    "      return (number ? x - y : order.compare(x, y)) * (down ? -1 : 1);\n"
    "    });\n"
    "    heads.forEach((head, k) => k === i ? head.setAttribute(\"aria-sort\", down ? \"descending\" : \"ascending\") : head.removeAttribute(\"aria-sort\"));\n"
    "    body.append(...all);\n"
    "  };\n"
    "  heads.forEach((head, i) => {\n"
    "    if (!head.dataset.sort) return;\n"
    "    const button = document.createElement(\"button\");\n"
    "    button.type = \"button\";\n"
    "    button.textContent = head.textContent;\n"
    "    head.replaceChildren(button);\n"
    "    button.addEventListener(\"click\", () => {\n"
    "      const now = head.getAttribute(\"aria-sort\");\n"
    "      sort(i, now ? now === \"ascending\" : head.dataset.sort === \"n\");\n"
    "    });\n"
    "  });\n"
    "  const filter = () => {\n"
    "    const wanted = text.value.toLowerCase().split(/\\s+/).filter(Boolean);\n"
    "    let count = 0;\n"
    "    for (const row of all) {\n"
    "      if (!words.has(row)) words.set(row, row.textContent.toLowerCase());\n"
    "      const hit = (!choice.value || row.dataset.k === choice.value) && wanted.every(word => words.get(row).includes(word));\n"
    "      row.hidden = !hit;\n"
    "      count += hit;\n"
    "    }\n"
    "    shown.textContent = count + \" of \" + all.length;\n"
    "  };\n"
    "  text.addEventListener(\"input\", filter);\n"
    "  choice.addEventListener(\"change\", filter);\n"
    "}\n";

/* The digest of the script as the policy names it. */
static void put_script_digest(evr_buf *buf)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char digest[33] = {0};
    evr_sha256 h;
    evr_sha256_init(&h);
    evr_sha256_add(&h, script, sizeof script - 1);
    evr_sha256_end(&h, digest);
    for (int i = 0; i < 33; i += 3) {
        uint32_t bits = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];
        for (int k = 18; k >= 0; k -= 6)
            evr_buf_char(buf, i == 30 && k == 0 ? '=' : digits[bits >> k & 63]);
    }
}

void evr_html_begin(evr_buf *buf, const char *title, evr_str subject)
{
    evr_buf_c(buf, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src 'sha256-");
    put_script_digest(buf);
    evr_buf_c(buf, "'\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n<title>");
    evr_put_markup(buf, evr_str_c(title));
    evr_buf_c(buf, subject.len ? ": " : "");
    evr_put_markup(buf, subject);
    evr_buf_printf(buf, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>%s", style, title);
    evr_buf_c(buf, subject.len ? " <span class=\"dim\">" : "");
    evr_put_markup(buf, subject);
    evr_buf_c(buf, subject.len ? "</span></h1>\n" : "</h1>\n");
}

void evr_html_end(evr_buf *buf)
{
    evr_buf_c(buf, "<p class=\"dim\">libevreplay ");
    evr_put_markup(buf, evr_str_c(evr_version_string()));
    evr_buf_c(buf, "</p>\n</main>\n<script>");
    evr_buf_c(buf, script);
    evr_buf_c(buf, "</script>\n</body>\n</html>\n");
}

void evr_html_tile_open(evr_buf *buf, const char *tone) { evr_buf_printf(buf, "<div class=\"tile\"><b class=\"%s\">", tone); }
void evr_html_tile_close(evr_buf *buf, const char *name) { evr_buf_printf(buf, "</b><span>%s</span></div>\n", name); }

void evr_html_table_open(evr_buf *buf, const evr_html_column *columns, size_t count, const char *choices)
{
    evr_buf_c(buf, "<section class=\"list\">\n<div class=\"tools\"><input type=\"search\" aria-label=\"filter\" placeholder=\"filter: words of a row\">"
                   "<select aria-label=\"kind\"><option value=\"\">all</option>");
    while (*choices) {
        int len = (int)strcspn(choices, " ");
        evr_buf_printf(buf, "<option>%.*s</option>", len, choices);
        choices += len + (choices[len] == ' ');
    }
    evr_buf_c(buf, "</select><output class=\"dim\"></output></div>\n<div class=\"wrap\"><table>\n<thead><tr>");
    for (size_t i = 0; i < count; i++)
        evr_buf_printf(buf, "<th scope=\"col\"%s%s%s%s>%s</th>", columns[i].sort[0] == 'n' ? " class=\"n\"" : "",
                       columns[i].sort[0] ? " data-sort=\"" : "", columns[i].sort, columns[i].sort[0] ? "\"" : "", columns[i].name);
    evr_buf_c(buf, "</tr></thead>\n<tbody>\n");
}

void evr_html_table_close(evr_buf *buf) { evr_buf_c(buf, "</tbody></table></div>\n</section>\n"); }

void evr_html_time_cell(evr_buf *buf, double ns)
{
    if (!(ns >= 0)) {
        evr_buf_c(buf, "<td class=\"n\" data-v=\"\"></td>");
        return;
    }
    evr_buf_c(buf, "<td class=\"n\" data-v=\"");
    evr_put_fixed(buf, ns, 3);
    evr_buf_c(buf, "\">");
    evr_put_time(buf, ns);
    evr_buf_c(buf, "</td>");
}

void evr_html_count_cell(evr_buf *buf, uint64_t value)
{
    evr_buf_printf(buf, "<td class=\"n\" data-v=\"%llu\">", (unsigned long long)value);
    evr_put_count(buf, value);
    evr_buf_c(buf, "</td>");
}

void evr_html_fact(evr_buf *buf, const char *name, evr_str text)
{
    if (!text.len)
        return;
    evr_buf_printf(buf, "<dt>%s</dt><dd>", name);
    evr_put_markup(buf, text);
    evr_buf_c(buf, "</dd>");
}
