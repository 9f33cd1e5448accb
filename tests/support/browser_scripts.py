"""What tests ask of the page in its own language."""

CLICK_WHEN_THERE = """label => new Promise(done => {
    const look = () => {
        const named = c => c.querySelector('.label').textContent === label;
        const card = [...document.querySelectorAll('#board .card')].find(named);
        if (!card) return requestAnimationFrame(look);
        const button = card.querySelector('[data-action=acknowledge]');
        button.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, detail: 1}));
        done();
    };
    look();
})"""
"""Press the button of a card in the moment it is drawn."""

BLINKING = """() => new Promise(done => {
    const cards = [...document.querySelectorAll('#waiting .card')];
    const began = performance.now();
    let last = null, flips = 0, apart = 0, on = 0, frames = 0;
    const look = () => {
        const now = cards.map(c => getComputedStyle(c, '::after').opacity);
        if (now[0] !== now[1]) apart += 1;
        frames += 1;
        on += Number(now[0] === '1');
        if (last !== null && now[0] !== last) flips += 1;
        last = now[0];
        if (performance.now() - began < 2000) requestAnimationFrame(look);
        else done({flips, apart: apart / frames, on: on / frames});
    };
    look();
})"""
"""Watch the edges of two cards for two seconds: how often they flip, whether together, how long on."""

CUT_OFF = """cards => cards.filter(card => {
    const box = card.getBoundingClientRect();
    const buttons = card.querySelector('.do').getBoundingClientRect();
    const label = card.querySelector('.label').getBoundingClientRect();
    return buttons.bottom > box.bottom || label.right > box.right;
}).length"""
"""How many cards do not hold what stands in them."""

TOO_SMALL = """() => [...document.querySelectorAll('button, a.act, a.menu, .tabs a, .choice')]
    .filter(node => node.offsetParent)
    .map(node => [node.textContent.trim() || node.getAttribute('aria-label'), node.getBoundingClientRect()])
    .filter(([, box]) => box.height < 40 || box.width < 48)
    .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""

NAMELESS = """() => [...document.querySelectorAll('button, a, input, textarea')]
    .filter(node => node.offsetParent)
    .filter(node => !(node.textContent.trim() || node.getAttribute('aria-label') || node.labels?.length))
    .map(node => node.outerHTML)"""

SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"

AGE_THE_KEPT_PAGE = """async () => {
    const cache = await caches.open('velgate-board');
    const kept = await (await cache.match('/')).text();
    const old = kept.replace(/"now":"[^"]+"/, '"now":"2026-01-01T00:00:00.000Z"');
    const headers = {'Content-Type': 'text/html; charset=utf-8'};
    await cache.put('/', new Response(old, {headers}));
}"""
"""Let the page that the service worker keeps be months old."""

NOTE_WORDS = """() => {
    window.words = [];
    const look = () => {
        for (const button of document.querySelectorAll('#board .act')) {
            if (window.words.at(-1) !== button.textContent) window.words.push(button.textContent);
        }
    };
    const board = document.getElementById('board');
    new MutationObserver(look).observe(board, {childList: true, subtree: true, characterData: true});
}"""
"""Note the words on the board's buttons, also those that stand there for a moment only."""

SHOW_ALERTS = """async ([documents, shown]) => {
    const at = document.querySelector('script[src]').src;
    const { store, changed } = await import(at.replace('main.js', 'store.js'));
    for (const document of documents) store.alerts.set(document.id, document);
    for (const [id, on] of Object.entries(shown)) store.shown.set(id, on);
    changed('alert');
}"""
"""Put alerts before the page's script, as the stream would."""

READ_CARDS = """cards => Object.fromEntries(cards.map(card => {
    const text = selector => card.querySelector(selector)?.textContent ?? '';
    const texts = selector => [...card.querySelectorAll(selector)].map(node => node.textContent);
    const menu = card.querySelector('.menu')?.dataset.menu ?? '';
    const head = [card.dataset.state, text('.shape'), text('.word'), ...texts('.trial'), text('.label')];
    const rest = [text('.count'), text('.what'), ...texts('.lines li'), ...texts('.act'), menu];
    return [card.dataset.id, [...head, ...rest]];
}))"""

PLAYED = """async () => {
    const at = document.querySelector('script[src]').src.replace('main.js', 'sound.js');
    return (await import(at)).played.map(each => each.name);
}"""

REACHED = "async () => (await (await fetch('/api/v1/shift')).json()).on_duty[0].persons[0].page"
