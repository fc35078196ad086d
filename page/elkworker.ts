// It answers messages as soon as it is loaded.
import 'elkjs/lib/elk-worker.min.js'
