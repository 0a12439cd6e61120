// Keeps time for calling.js, also while its page is hidden.
setInterval(() => postMessage(0), 5000);
