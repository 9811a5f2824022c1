// A server of the registry, a page from a file beside it, and a setting.
use std::{env, fs};

fn main() {
    let address = format!("0.0.0.0:{}", env::var("PORT").expect("PORT is set"));
    let server = tiny_http::Server::http(address).expect("the port is free");
    let page = fs::read_to_string("page.html").expect("page.html is there");
    for request in server.incoming_requests() {
        let greeting = env::var("GREETING").unwrap_or_default();
        let _ = request.respond(tiny_http::Response::from_string(page.replace("{greeting}", &greeting)));
    }
}
